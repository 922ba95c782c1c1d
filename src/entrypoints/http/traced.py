"""The outermost layer, with a span around each request that is done."""

from typing import Any, Final

from profilecore.entrypoints.http.asgi import Answer, AsgiScope, Receive, Send, field
from profilecore.entrypoints.http.edge import UNMATCHED, Edge
from profilecore.entrypoints.http.exchange import GONE
from profilecore.entrypoints.http.load import SPARED, Work
from profilecore.entrypoints.tracing.otlp import Tracing

_SPAN: Final = "profilecore.span"
_UNTRACED: Final = (SPARED, "/metrics")


class TracedEdge(Edge):
    """An Edge that traces what it answers, but for what it turns away, and what probes ask for."""

    def __init__(self, tracing: Tracing, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._tracing = tracing

    async def briefly(self, scope: AsgiScope) -> Answer:
        with self._begun(scope):
            return await super().briefly(scope)

    async def _answer(
        self, scope: AsgiScope, receive: Receive, send: Send, name: str, work: Work
    ) -> None:
        if scope["path"].startswith(_UNTRACED):
            await super()._answer(scope, receive, send, name, work)
            return
        with self._begun(scope):
            await super()._answer(scope, receive, send, name, work)

    def _begun(self, scope: AsgiScope) -> Any:
        parent = field(scope, b"traceparent")
        state = None if parent is None else field(scope, b"tracestate")
        span = scope[_SPAN] = self._tracing.request(parent, state)
        return span

    def _record(self, scope: AsgiScope, status: int, route: str, began: float) -> None:
        super()._record(scope, status, route, began)
        span = scope.get(_SPAN)
        if span is not None:
            taken = None if route == UNMATCHED else route
            span.answered(scope["method"], taken, None if status == GONE else status)
