"""A real collector of traces: takes what is sent to it by OTLP over HTTP, and reads it."""

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.support.receiver import Call, Receiver

COMES_MAX = 20.0


@dataclass(frozen=True)
class Seen:
    """A span as it was sent."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    state: str
    failed: bool
    attributes: dict[str, Any]
    seconds: float


class Collector(Receiver):
    """Keeps every span; `instead` is what it answers, 200 as a rule."""

    def __init__(self) -> None:
        super().__init__()
        self.instead = "/200"

    @property
    def settings(self) -> dict[str, str]:
        """What sends the spans of a service here, soon."""
        return {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [_decoded(call) for call in list(self.calls)]

    @property
    def spans(self) -> list[Seen]:
        return [span for request in self.requests for span in _spans(request)]

    def of(self, trace: str) -> list[Seen]:
        return [span for span in self.spans if span.trace == trace]

    def wait(self, look: Callable[[list[Seen]], object], what: str) -> list[Seen]:
        """All spans, once those that have to come have come."""
        deadline = time.monotonic() + COMES_MAX
        while not look(spans := self.spans):
            assert time.monotonic() < deadline, (what, [(s.name, s.trace) for s in spans])
            time.sleep(0.02)
        return spans

    def named(self, *names: str) -> list[Seen]:
        """The first span of each name, once all have come."""

        def first(spans: list[Seen]) -> dict[str, Seen]:
            return {span.name: span for span in reversed(spans) if span.name in names}

        found = first(self.wait(lambda s: first(s).keys() >= {*names}, f"{names} do not come"))
        return [found[name] for name in names]


def _decoded(call: Call) -> ExportTraceServiceRequest:
    assert call.path == "/v1/traces", call.path
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers["content-type"] == "application/x-protobuf"
    body = gzip.decompress(call.body) if headers.get("content-encoding") == "gzip" else call.body
    request: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    return request


def _spans(request: ExportTraceServiceRequest) -> list[Seen]:
    found = []
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            assert scope.scope.name == "profilecore"
            found += [
                Seen(
                    service,
                    span.name,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.trace_state,
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _values(span.attributes),
                    (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )
                for span in scope.spans
            ]
    return found


def _values(attributes: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
