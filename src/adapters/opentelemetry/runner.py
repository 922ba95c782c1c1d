"""The run of a task, as a span that comes after the one in which it was handed over."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

from profilecore.adapters.opentelemetry.tracer import Span, Tracer, current
from profilecore.tasks import Context, Handler, Runs


class TracedRunner:
    """Runs handlers; begun where the current place is what their task comes after.

    OpenTelemetry's own context has the span too, for spans that a handler makes with its API.
    """

    def __init__(self, runner: Runs, tracer: Tracer, system: str) -> None:
        self._runner = runner
        self._tracer = tracer
        self._system = system

    async def run(self, handler: Handler, context: Context, payload: Mapping[str, Any]) -> Any:
        """Give what the handler gave."""
        span = Span(self._tracer, f"process {handler.type}", SpanKind.CONSUMER, current())
        span.attributes = {
            "messaging.system": self._system,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": handler.queue,
            "profilecore.task.type": handler.type,
            "profilecore.task.attempt": context.attempt.number,
        }
        token = attach(set_span_in_context(NonRecordingSpan(span.context)))
        try:
            with span:
                return await self._runner.run(handler, context, payload)
        finally:
            detach(token)
