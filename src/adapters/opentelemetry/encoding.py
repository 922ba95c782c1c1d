"""Spans as OTLP has them, by the messages of its own package.

The SDK makes each message anew from its parts, which is most of what a span costs. Here what is
the same for many spans, as our names and values are, is made once.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

_KINDS: Final = {
    SpanKind.INTERNAL: trace_pb2.Span.SPAN_KIND_INTERNAL,
    SpanKind.SERVER: trace_pb2.Span.SPAN_KIND_SERVER,
    SpanKind.CLIENT: trace_pb2.Span.SPAN_KIND_CLIENT,
    SpanKind.PRODUCER: trace_pb2.Span.SPAN_KIND_PRODUCER,
    SpanKind.CONSUMER: trace_pb2.Span.SPAN_KIND_CONSUMER,
}
_LOCAL: Final = trace_pb2.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE: Final = _LOCAL | trace_pb2.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


def encoded(spans: Sequence[ReadableSpan]) -> bytes:
    """A request that exports spans, at least one, which are all of one tracer."""
    request: ExportTraceServiceRequest = encode_spans(spans[:1])  # who sends them, and by what
    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    scope.ClearField("spans")
    for span in spans:
        _write(scope.spans.add(), span)
    sent: bytes = request.SerializeToString()
    return sent


def _write(message: trace_pb2.Span, span: ReadableSpan) -> None:
    place: SpanContext = span.context
    parent: SpanContext | None = span.parent
    is_remote = parent is not None and parent.is_remote
    attributes = tuple((span.attributes or {}).items())
    message.CopyFrom(_like(span.name, span.kind, span.status.status_code, is_remote, attributes))
    message.trace_id = place.trace_id.to_bytes(16)
    message.span_id = place.span_id.to_bytes(8)
    message.start_time_unix_nano = span.start_time or 0
    message.end_time_unix_nano = span.end_time or 0
    if parent is not None:
        message.parent_span_id = parent.span_id.to_bytes(8)
    if place.trace_state:
        message.trace_state = place.trace_state.to_header()


@lru_cache(maxsize=1_000)
def _like(
    name: str,
    kind: SpanKind,
    status: StatusCode,
    is_remote: bool,
    attributes: tuple[tuple[str, object], ...],
) -> trace_pb2.Span:
    """What all such spans have in common: our words, and numbers that are few."""
    message = trace_pb2.Span(name=name, kind=_KINDS[kind], flags=_REMOTE if is_remote else _LOCAL)
    message.status.code = status.value  # type: ignore[assignment]
    for key, value in attributes:
        if isinstance(value, int):
            message.attributes.add(key=key).value.int_value = value
        else:
            message.attributes.add(key=key).value.string_value = str(value)
    return message
