"""What is traced still does what the port says, within a trace and outside of one."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind

from profilecore.adapters.memory import (
    MemoryCache,
    MemoryLog,
    MemoryProfiles,
    MemoryQueue,
    MemoryStore,
    MemoryTasks,
)
from profilecore.adapters.opentelemetry import (
    TracedCache,
    TracedLog,
    TracedProfiles,
    TracedQueue,
    TracedTasks,
    Tracer,
)
from profilecore.adapters.opentelemetry.tracer import Span
from profilecore.ports import Cache, Queue
from profilecore.testing.cache import CacheContract
from profilecore.testing.lists import ListsContract
from profilecore.testing.log import LogContract
from profilecore.testing.places import CachePlace, Place, Store, TasksPlace, TaskStore, Traits
from profilecore.testing.profiles import ProfilesContract
from profilecore.testing.queue import QueueContract
from profilecore.testing.tasks import TasksContract


class Kept:
    """A tracer, and the spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        ids, nobody = RandomIdGenerator(), Resource({})
        self.tracer = Tracer(ALWAYS_ON, ids, nobody, self.spans.append)


class InATrace:
    """All that a test does is a part of one trace."""

    @pytest.fixture(autouse=True)
    async def traced(self) -> AsyncIterator[None]:
        kept = Kept()
        with Span(kept.tracer, "test", SpanKind.SERVER, None):
            yield


class TracedPlace(Place[Store]):
    def __init__(self) -> None:
        self._store = MemoryStore()

    async def open(self) -> Store:
        tracer = Kept().tracer
        profiles = TracedProfiles(MemoryProfiles(self._store), tracer, "memory")
        return Store(profiles, TracedLog(MemoryLog(self._store), tracer, "memory"))

    async def close(self) -> None:
        self._store = MemoryStore()


class TracedCachePlace(CachePlace):
    ttl = 100.0

    def __init__(self) -> None:
        self.now = 1_000.0

    async def open(self) -> Cache:
        cache = MemoryCache(capacity=10, ttl=self.ttl, clock=lambda: self.now)
        return TracedCache(cache, Kept().tracer, "memory", lambda: False)

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class TracedQueuePlace(Place[Queue]):
    async def open(self) -> Queue:
        return TracedQueue(MemoryQueue(), Kept().tracer, "memory")

    async def close(self) -> None:
        pass


class TracedTaskStore(TracedTasks):
    """Upkeep is not traced: it goes past the wrapper."""

    def __init__(self, tasks: MemoryTasks) -> None:
        super().__init__(tasks, Kept().tracer, "memory")
        self.backlog, self.purge = tasks.backlog, tasks.purge
        self.mentions, self.blank = tasks.mentions, tasks.blank


class TracedTasksPlace(TasksPlace):
    async def open(self) -> TaskStore:
        return TracedTaskStore(MemoryTasks(lambda: self.now))

    async def close(self) -> None:
        pass


class TestTracedProfiles(InATrace, ProfilesContract, ListsContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return TracedPlace()


class TestTracedLog(InATrace, LogContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return TracedPlace()


class TestTracedCache(InATrace, CacheContract):
    traits = Traits(durable=False, shared=False, capacity=10)

    @pytest.fixture
    def place(self) -> CachePlace:
        return TracedCachePlace()


class TestTracedQueue(InATrace, QueueContract):
    traits = Traits(durable=False, shared=False, named=False)

    @pytest.fixture
    def place(self) -> Place[Queue]:
        return TracedQueuePlace()


class TestTracedTasks(TasksContract):
    """Outside of a trace: within one a task says so, which this port's suite knows nothing of."""

    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> TasksPlace:
        return TracedTasksPlace()
