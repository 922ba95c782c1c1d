"""Places in a trace: what is told of them, and what is taken from it."""

import asyncio
import logging
from collections.abc import Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_ON, Sampler
from opentelemetry.trace import SpanKind, get_current_span

from profilecore import Unavailable
from profilecore.adapters.memory import MemoryQueue, MemoryTasks
from profilecore.adapters.opentelemetry import (
    RequestSpan,
    TracedQueue,
    TracedRunner,
    TracedTasks,
    Tracer,
    following,
    headers,
    told,
    trace_id,
)
from profilecore.adapters.opentelemetry.encoding import encoded
from profilecore.adapters.opentelemetry.sending import SAY_EVERY, _Exporter, _Said
from profilecore.adapters.opentelemetry.tracer import Span
from profilecore.errors import NotFound
from profilecore.identifiers import new_id
from profilecore.order import Order
from profilecore.ports import Due
from profilecore.task import Task
from profilecore.tasks import Attempt, Context, Handler

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


def tracing(sampler: Sampler = DEFAULT_ON) -> tuple[Tracer, list[ReadableSpan]]:
    spans: list[ReadableSpan] = []
    resource = Resource({"service.name": "test"})
    return Tracer(sampler, RandomIdGenerator(), resource, spans.append), spans


@pytest.mark.parametrize(
    ("parent", "sampled"),
    [(GOOD, True), (f"{GOOD[:-2]}00", False), (f"{GOOD[:-2]}03", True), (f"cc{GOOD[2:]}-x", True)],
)
def test_a_place_is_read_from_what_w3c_has_for_it(parent: str, sampled: bool) -> None:
    place = told({"traceparent": parent, "tracestate": "a=1,b=2"})
    assert place is not None
    assert (f"{place.trace_id:032x}", f"{place.id:016x}") == (TRACE, PARENT)
    assert (place.sampled, place.is_remote) == (sampled, True)
    with following(place):
        flags = "01" if sampled else "00"
        expected = {"traceparent": f"00-{TRACE}-{PARENT}-{flags}", "tracestate": "a=1,b=2"}
        assert headers() == expected


@pytest.mark.parametrize(
    "parent",
    [
        *("", "nonsense", GOOD.upper(), f" {GOOD}", f"{GOOD}-more", f"ff{GOOD[2:]}", GOOD[:-1]),
        *(f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"{GOOD}\n", f"cc{GOOD[2:]}x"),
    ],
)
def test_what_cannot_be_read_is_as_if_nothing_was_said(parent: str) -> None:
    assert told({"traceparent": parent}) is None


def test_a_state_that_cannot_be_read_is_left_out() -> None:
    place = told({"traceparent": GOOD, "tracestate": "no state\x00"})
    assert place is not None
    with following(place):
        assert headers() == {"traceparent": GOOD}


def test_outside_of_a_trace_there_is_nothing_to_tell() -> None:
    tracer, _ = tracing()
    assert (headers(), trace_id()) == ({}, None)
    assert tracer.child("call", SpanKind.CLIENT) is None


def test_the_sampler_is_asked_once_for_a_trace() -> None:
    for sampler, there in ((ALWAYS_ON, 2), (DEFAULT_ON, 2), (ALWAYS_OFF, 0)):
        tracer, spans = tracing(sampler)
        with RequestSpan(tracer, None, None) as request:
            assert trace_id() == f"{request.trace_id:032x}"
            child = tracer.child("call", SpanKind.CLIENT)
            assert (child is not None) == bool(there)
            if child is not None:
                with child:
                    assert trace_id() == f"{request.trace_id:032x}"
            request.answered("GET", "/", 200)
        assert len(spans) == there
        assert trace_id() is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unavailable("a secret"), "unavailable"),
        (ValueError("a secret"), "ValueError"),
        (asyncio.CancelledError(), "CancelledError"),
        (NotFound("a secret"), None),
    ],
)
def test_a_failure_is_a_word(error: BaseException, why: str | None) -> None:
    tracer, (spans) = tracing()
    with pytest.raises(type(error)), Span(tracer, "call", SpanKind.CLIENT, None):
        raise error
    (span,) = spans
    assert (span.attributes or {}).get("error.type") == why
    assert span.status.is_ok == (why is None) or span.status.is_unset == (why is None)
    assert "secret" not in f"{span.name}{span.attributes}{span.status.description}{span.events}"


def test_a_request_that_fails_says_its_status() -> None:
    tracer, spans = tracing()
    for status in (500, 404, None):
        with RequestSpan(tracer, GOOD, None) as request:
            request.answered("GET", "/x/{id}", status)
    failed, refused, gone = spans
    assert (failed.attributes or {})["error.type"] == "500"
    assert "error.type" not in (refused.attributes or {})
    assert "http.response.status_code" not in (gone.attributes or {})


def some_spans() -> Sequence[ReadableSpan]:
    tracer, spans = tracing()
    with RequestSpan(tracer, GOOD, "a=1") as request:
        child = tracer.child("get profiles", SpanKind.CLIENT)
        assert child is not None
        with child:
            pass
        with Span(tracer, "send default", SpanKind.PRODUCER, told({"traceparent": GOOD})) as send:
            send.fail("unavailable")
        request.answered("GET", "/x/{id}", 503)
    return spans


def test_what_is_sent_is_what_the_sdk_would_send() -> None:
    spans = some_spans()
    theirs = encode_spans(spans)
    assert ExportTraceServiceRequest.FromString(encoded(spans)) == theirs


async def test_a_task_is_told_of_the_trace_that_it_is_added_in() -> None:
    tracer, _ = tracing()
    tasks = TracedTasks(MemoryTasks(), tracer, "memory")
    order = Order(type="echo", trace={"request_id": "r", "traceparent": GOOD})
    with RequestSpan(tracer, None, None) as request:
        (added,) = await tasks.add([order])
        assert isinstance(added, Task)
        assert added.trace == {"request_id": "r", **headers()}
    assert f"{request.trace_id:032x}" in added.trace["traceparent"]


async def test_a_lease_says_after_which_span_until_it_is_settled() -> None:
    tracer, spans = tracing()
    queue = TracedQueue(MemoryQueue(), tracer, "memory")
    for settle in (queue.ack, queue.bury, queue.retry):
        task = new_id()
        await queue.put(Due(task, headers={"traceparent": GOOD}))
        lease = await queue.take(1)
        assert lease is not None
        place = queue.place(task)
        assert place is not None
        context = spans[-1].context
        assert context is not None
        assert (place.trace_id, place.id) == (context.trace_id, context.span_id)
        await settle(lease)
        assert queue.place(task) is None
    assert [span.name for span in spans] == ["send default"] * 3


async def test_what_is_nobodys_trace_is_put_without_a_span() -> None:
    tracer, spans = tracing()
    queue = TracedQueue(MemoryQueue(), tracer, "memory")
    task = new_id()
    await queue.put(Due(task, headers={"request_id": "r"}))
    lease = await queue.take(1)
    assert lease is not None
    assert (dict(lease.headers), queue.place(task), spans) == ({"request_id": "r"}, None, [])


async def test_a_handler_is_within_its_span_for_opentelemetry_too() -> None:
    tracer, spans = tracing()
    seen = []

    class Runs:
        async def run(self, handler: Handler, context: Context, payload: object) -> object:
            seen.append((get_current_span().get_span_context().span_id, trace_id()))
            return "done"

    handler = Handler(type="echo", run=Runs().run)
    context = Context(Attempt(new_id(), 2, 5), "echo")
    runner = TracedRunner(Runs(), tracer, "rabbitmq")
    with following(told({"traceparent": GOOD})):
        assert await runner.run(handler, context, {}) == "done"
    (span,) = spans
    assert span.context is not None
    assert seen == [(span.context.span_id, TRACE)]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT
    assert not get_current_span().get_span_context().is_valid


def test_what_the_sdk_says_is_said_once_a_minute() -> None:
    said: list[str] = []
    now = 100.0
    handler = _Said(said.append, lambda: now)
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "away: %s", ("it",), None)
    handler.emit(record)
    now += SAY_EVERY - 1
    handler.emit(record)
    assert said == ["away: it"]
    now += 2
    handler.emit(record)
    assert said == ["away: it"] * 2


def test_an_exporter_that_sends_in_another_way_encodes_by_itself() -> None:
    """As it may in another version: the member that takes our bytes is not a public one."""
    exporter = _Exporter.__new__(_Exporter)
    exporter._shutdown = True
    assert exporter.export(some_spans()) is SpanExportResult.FAILURE
