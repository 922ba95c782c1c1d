"""The span of a request, as OpenTelemetry's conventions for HTTP have it, without what is private.

Left out are path, query, addresses and agents: they hold ids, and what callers make up.
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from opentelemetry.trace import SpanKind

from profilecore.adapters.opentelemetry.tracer import TRACEPARENT, TRACESTATE, Span, Tracer, told

OTHER: Final = "_OTHER"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NAME: Final = "HTTP"
_FAULT: Final = int(HTTPStatus.INTERNAL_SERVER_ERROR)


class RequestSpan(Span):
    """What a server does for one request; entered while it is done."""

    __slots__ = ()

    def __init__(self, tracer: Tracer, traceparent: str | None, tracestate: str | None) -> None:
        parent = None
        if traceparent is not None:
            parent = told({TRACEPARENT: traceparent, TRACESTATE: tracestate or ""})
        super().__init__(tracer, _NAME, SpanKind.SERVER, parent)

    def answered(self, method: str, route: str | None, status: int | None) -> None:
        """Say what it was.

        `route` is a template, None where there is none; `status` is None where nobody was there
        any more for an answer.
        """
        if self.sampled:
            self.name, self.attributes, self.failed = _said(method, route, status)


@lru_cache(maxsize=1_000)
def _said(
    method: str, route: str | None, status: int | None
) -> tuple[str, dict[str, str | int], bool]:
    """Name, attributes, and whether it failed: the same for many requests, and made once."""
    known = method in _METHODS
    name = method if known else _NAME
    attributes: dict[str, str | int] = {"http.request.method": method if known else OTHER}
    if route is not None:
        name += f" {route}"
        attributes["http.route"] = route
    if status is not None:
        attributes["http.response.status_code"] = status
    failed = status is not None and status >= _FAULT
    if failed:
        attributes["error.type"] = str(status)
    return name, attributes, failed
