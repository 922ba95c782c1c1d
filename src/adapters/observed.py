"""Each port once more, counted and timed: wrappers, so that nothing else knows of metrics."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, TypeVar
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from profilecore.errors import Conflict, Invalid, NotFound, ProfilecoreError, Unavailable
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.ports import Cache, Due, Lease, Log, Profiles, Queue
from profilecore.profile import Entry, Profile

T = TypeVar("T")

# Edges stand exactly at the limits of alerts: 5, 10 and 20 ms.
BUCKETS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.010, 0.020, 0.050, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_ANSWERS: Final = (NotFound, Conflict, Invalid)  # what a caller asked for, not a failure


class Metrics:
    """The metrics that the wrappers of one registry share."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.hits = Counter(
            "cache_hits",
            "Ids found in the cache, known absences among them.",
            registry=registry,
        )
        self.misses = Counter("cache_misses", "Ids not found in the cache.", registry=registry)
        self.hit_ratio = Gauge(
            "cache_hit_ratio",
            "Ids found, of all looked up since the start.",
            registry=registry,
        )
        self.cache_errors = Counter("cache_errors", "Cache calls that failed.", registry=registry)
        self.cache_latency = Histogram(
            "cache_operation_latency_seconds",
            "How long the cache took.",
            ["operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.database_latency = Histogram(
            "database_operation_latency_seconds",
            "How long the database took.",
            ["port", "operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.database_errors = Counter(
            "database_errors",
            "Database calls that failed; a refusal is an answer.",
            ["port", "operation", "error"],
            registry=registry,
        )
        self.queue_latency = Histogram(
            "queue_operation_latency_seconds",
            "How long the queue took; to take includes the wait for a task.",
            ["operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.queue_errors = Counter(
            "queue_errors",
            "Queue calls that failed.",
            ["operation", "error"],
            registry=registry,
        )


class _Verb:
    """Times one verb of a port, and counts how it failed, with its labels bound once."""

    def __init__(self, latency: Histogram, unavailable: Counter, unexpected: Counter) -> None:
        self._latency = latency
        self._unavailable = unavailable
        self._unexpected = unexpected

    async def __call__(self, call: Awaitable[T]) -> T:
        began = perf_counter()
        try:
            return await call
        except _ANSWERS:
            raise
        except Unavailable:
            self._unavailable.inc()
            raise
        except Exception:
            self._unexpected.inc()
            raise
        finally:
            self._latency.observe(perf_counter() - began)


def _database_verb(metrics: Metrics, port: str) -> Callable[[str], _Verb]:
    def verb(operation: str) -> _Verb:
        latency = metrics.database_latency.labels(port, operation)
        errors = metrics.database_errors
        unavailable = errors.labels(port, operation, "unavailable")
        return _Verb(latency, unavailable, errors.labels(port, operation, "unexpected"))

    return verb


class ObservedProfiles:
    """The Profiles port, with metrics `database_…{port="profiles"}`."""

    def __init__(self, profiles: Profiles, metrics: Metrics) -> None:
        self._profiles = profiles
        verb = _database_verb(metrics, "profiles")
        self._get, self._list = verb("get"), verb("list")
        self._write, self._purge = verb("write"), verb("purge")

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        return await self._get(self._profiles.get(ids, at_least=at_least))

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return await self._list(self._profiles.list(query, at_least=at_least))

    async def write(
        self, changes: Sequence[Change], *, atomic: bool
    ) -> Sequence[Event | ProfilecoreError]:
        return await self._write(self._profiles.write(changes, atomic=atomic))

    async def purge(self, deleted_before: datetime) -> int:
        return await self._purge(self._profiles.purge(deleted_before))


class ObservedLog:
    """The Log port, with metrics `database_…{port="log"}`."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        verb = _database_verb(metrics, "log")
        self._read, self._history = verb("read"), verb("history")
        self._position, self._trim = verb("position"), verb("trim")

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        return await self._read(self._log.read(after, limit))

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        return await self._history(self._log.history(profile_id, before, limit))

    async def position(self) -> int:
        return await self._position(self._log.position())

    async def trim(self, older_than: datetime) -> int:
        return await self._trim(self._log.trim(older_than))


class ObservedCache:
    """The Cache port, with metrics `cache_…`; hits and misses count ids, not calls."""

    def __init__(self, cache: Cache, metrics: Metrics) -> None:
        self._cache = cache
        self._hits, self._misses = metrics.hits, metrics.misses
        self._found = self._missed = 0
        latency, errors = metrics.cache_latency.labels, metrics.cache_errors
        self._get = _Verb(latency("get"), errors, errors)
        self._put = _Verb(latency("put"), errors, errors)
        self._drop = _Verb(latency("drop"), errors, errors)
        self._clear = _Verb(latency("clear"), errors, errors)
        metrics.hit_ratio.set_function(lambda: self._found / max(1, self._found + self._missed))

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        found = await self._get(self._cache.get(ids))
        missed = len(set(ids)) - len(found)
        self._found += len(found)
        self._missed += missed
        self._hits.inc(len(found))
        self._misses.inc(missed)
        return found

    async def put(self, entry: Entry) -> None:
        await self._put(self._cache.put(entry))

    async def drop(self, profile_id: UUID, version: int) -> None:
        await self._drop(self._cache.drop(profile_id, version))

    async def clear(self) -> None:
        await self._clear(self._cache.clear())


class ObservedQueue:
    """The Queue port, with metrics `queue_…`."""

    def __init__(self, queue: Queue, metrics: Metrics) -> None:
        self._queue = queue

        def verb(operation: str) -> _Verb:
            unavailable = metrics.queue_errors.labels(operation, "unavailable")
            unexpected = metrics.queue_errors.labels(operation, "unexpected")
            return _Verb(metrics.queue_latency.labels(operation), unavailable, unexpected)

        self._put, self._take, self._ack = verb("put"), verb("take"), verb("ack")
        self._retry, self._bury = verb("retry"), verb("bury")

    async def put(self, due: Due) -> None:
        await self._put(self._queue.put(due))

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        return await self._take(self._queue.take(timeout))

    async def ack(self, lease: Lease) -> None:
        await self._ack(self._queue.ack(lease))

    async def retry(self, lease: Lease) -> None:
        await self._retry(self._queue.retry(lease))

    async def bury(self, lease: Lease) -> None:
        await self._bury(self._queue.bury(lease))
