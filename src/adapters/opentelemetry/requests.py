"""The span of a request, as OpenTelemetry's conventions for HTTP have it, without what is private.

Left out are path, query, addresses and agents: they hold ids, and what callers make up.
"""

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
        if not self.sampled:
            return
        known = method in _METHODS
        attributes = self.attributes
        self.name = method if known else _NAME
        attributes["http.request.method"] = method if known else OTHER
        if route is not None:
            self.name += f" {route}"
            attributes["http.route"] = route
        if status is not None:
            attributes["http.response.status_code"] = status
            if status >= _FAULT:
                self.fail(str(status))
