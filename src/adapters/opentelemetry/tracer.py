"""Spans: where they begin, what they are in, and how the next process is told."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from time import time_ns
from types import TracebackType
from typing import Final, Self, TypeAlias

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from profilecore.errors import Conflict, Invalid, NotFound, ProfilecoreError

SCOPE: Final = InstrumentationScope("profilecore")
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
Ended: TypeAlias = Callable[[ReadableSpan], None]

_SAMPLED, _NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_ANSWERS: Final = (Conflict, Invalid, NotFound)
_NOWHERE: Final = Context()
# W3C Trace Context; a version that we do not know may have more behind the flags.
_PARENT: Final = re.compile(
    r"(?!ff|00.{53}.)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
    r"(?:-.*)?"
)


class Place:
    """Where in a trace something is: what its spans, here or elsewhere, come after."""

    __slots__ = ("id", "is_remote", "sampled", "state", "trace_id")

    def __init__(
        self,
        trace_id: int,
        id_: int,
        state: TraceState | None,
        *,
        sampled: bool,
        is_remote: bool = False,
    ) -> None:
        self.trace_id = trace_id
        self.id = id_
        self.state = state
        self.sampled = sampled
        self.is_remote = is_remote

    @property
    def context(self) -> SpanContext:
        """The same, as OpenTelemetry has it."""
        flags = _SAMPLED if self.sampled else _NOT_SAMPLED
        return SpanContext(self.trace_id, self.id, self.is_remote, flags, self.state)


_current: ContextVar[Place | None] = ContextVar("place", default=None)


class Span(Place):
    """A span that is under way while it is entered; `attributes` may be given until its end.

    They may be those of other spans too, and are not changed.

    It is handed over once, when it has ended: a span of the SDK, which any thread can write to from
    its begin to its end, costs several times as much.
    """

    __slots__ = ("_began", "_kind", "_parent", "_token", "_tracer", "attributes", "failed", "name")
    _token: Token[Place | None]
    _began: int

    def __init__(self, tracer: "Tracer", name: str, kind: SpanKind, parent: Place | None) -> None:
        if parent is None or parent.is_remote:
            trace_id, sampled, state = tracer.entered(name, kind, parent)
        else:
            trace_id, sampled, state = parent.trace_id, parent.sampled, parent.state
        super().__init__(trace_id, tracer.new_id(), state, sampled=sampled)
        self.name = name
        self.attributes: dict[str, str | int] = {}
        self.failed = False
        self._tracer = tracer
        self._kind = kind
        self._parent = parent

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._began = time_ns()
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if self.sampled:
            if error is not None and not isinstance(error, _ANSWERS):
                self.fail(error.code if isinstance(error, ProfilecoreError) else _name(error))
            self._tracer.ended(self._whole())

    def fail(self, why: str) -> None:
        """Say that it went wrong, by a word: a text may hold what a trace must not."""
        self.attributes = {**self.attributes, "error.type": why}
        self.failed = True

    def _whole(self) -> ReadableSpan:
        return ReadableSpan(
            self.name,
            self.context,
            None if self._parent is None else self._parent.context,
            self._tracer.resource,
            self.attributes,
            kind=self._kind,
            status=_FAILED if self.failed else _UNSET,
            start_time=self._began,
            end_time=time_ns(),
            instrumentation_scope=SCOPE,
        )


class Tracer:
    """What spans have in common; `ended` is given each that was sampled, at its end.

    The sampler is asked where a trace comes into this process, and what it says holds for all that
    happens there.
    """

    def __init__(
        self, sampler: Sampler, ids: IdGenerator, resource: Resource, ended: Ended
    ) -> None:
        self.resource = resource
        self.ended = ended
        self.new_id = ids.generate_span_id
        self._new_trace = ids.generate_trace_id
        self._ask = sampler.should_sample
        self._takes_all = sampler is DEFAULT_ON  # as a rule, and asking is dear

    def entered(
        self, name: str, kind: SpanKind, parent: Place | None
    ) -> tuple[int, bool, TraceState | None]:
        """The trace of a span that is the first one in this process, and whether it is sampled."""
        if parent is None:
            trace_id, within = self._new_trace(), _NOWHERE
            if self._takes_all:
                return trace_id, True, None
        else:
            trace_id = parent.trace_id
            within = set_span_in_context(NonRecordingSpan(parent.context), _NOWHERE)
        said = self._ask(within, trace_id, name, kind)
        return trace_id, said.decision is Decision.RECORD_AND_SAMPLE, said.trace_state

    def child(self, name: str, kind: SpanKind) -> Span | None:
        """A span within the current one; None where there is none, or it is not sampled."""
        parent = _current.get()
        if parent is None or not parent.sampled:
            return None
        return Span(self, name, kind, parent)


@contextmanager
def following(place: Place | None) -> Iterator[None]:
    """What is done within comes after this."""
    token = _current.set(place)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Place | None:
    """Where this is."""
    return _current.get()


def headers() -> dict[str, str]:
    """What tells the next process where this is; nothing, where it is in no trace."""
    place = _current.get()
    if place is None:
        return {}
    flags = "01" if place.sampled else "00"
    told = {TRACEPARENT: f"00-{place.trace_id:032x}-{place.id:016x}-{flags}"}
    if place.state:
        told[TRACESTATE] = place.state.to_header()
    return told


def trace_id() -> str | None:
    """The id of the current trace, as it is written; None outside of one."""
    place = _current.get()
    return None if place is None else f"{place.trace_id:032x}"


def told(headers: Mapping[str, str]) -> Place | None:
    """Where another process says that it was; None where it says nothing that can be read."""
    found = _PARENT.fullmatch(headers.get(TRACEPARENT, ""))
    if found is None:
        return None
    state = headers.get(TRACESTATE)
    return Place(
        int(found[1], 16),
        int(found[2], 16),
        TraceState.from_header([state]) if state else None,
        sampled=bool(int(found[3], 16) & TraceFlags.SAMPLED),
        is_remote=True,
    )


def _name(error: BaseException) -> str:
    return type(error).__name__
