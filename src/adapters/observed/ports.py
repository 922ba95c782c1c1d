"""The ports of profiles, of the queue and of blobs, counted and timed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from profilecore.adapters.observed.metrics import Metrics, Verb, database_verb
from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.ports import Blobs, Cache, Due, Lease, Log, Profiles, Queue, Stored
from profilecore.profile import Entry, Profile
from profilecore.receipt import Receipt


class ObservedProfiles:
    """The Profiles port, with metrics `database_…{port="profiles"}`."""

    def __init__(self, profiles: Profiles, metrics: Metrics) -> None:
        self._profiles = profiles
        verb = database_verb(metrics, "profiles")
        self._get, self._list = verb("get"), verb("list")
        self._write, self._purge, self._erase = verb("write"), verb("purge"), verb("erase")

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        return await self._get(self._profiles.get(ids, at_least=at_least))

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return await self._list(self._profiles.list(query, at_least=at_least))

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        return await self._write(self._profiles.write(changes, atomic=atomic, receipt=receipt))

    async def purge(self, deleted_before: datetime) -> int:
        return await self._purge(self._profiles.purge(deleted_before))

    async def erase(self, ids: Collection[UUID]) -> int:
        return await self._erase(self._profiles.erase(ids))


class ObservedLog:
    """The Log port, with metrics `database_…{port="log"}`."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        verb = database_verb(metrics, "log")
        self._read, self._history, self._get = verb("read"), verb("history"), verb("get")
        self._position, self._trim = verb("position"), verb("trim")

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        return await self._read(self._log.read(after, limit))

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        return await self._history(self._log.history(profile_id, before, limit))

    async def get(self, positions: Collection[int]) -> dict[int, Event]:
        return await self._get(self._log.get(positions))

    async def position(self) -> int:
        return await self._position(self._log.position())

    async def trim(self, older_than: datetime) -> int:
        return await self._trim(self._log.trim(older_than))


class ObservedCache:
    """The Cache port, with metrics `cache_…`; hits and misses count ids, not calls."""

    def __init__(self, cache: Cache, metrics: Metrics) -> None:
        self._cache = cache
        self._hits, self._misses = metrics.hits, metrics.misses
        self._consecutive = 0
        metrics.consecutive_misses.set_function(lambda: self._consecutive)
        latency, errors = metrics.cache_latency.labels, metrics.cache_errors
        self._get = Verb(latency("get"), errors, errors)
        self._put = Verb(latency("put"), errors, errors)
        self._drop = Verb(latency("drop"), errors, errors)
        self._clear = Verb(latency("clear"), errors, errors)
        metrics.hit_ratio.set_function(self._ratio)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        found = await self._get(self._cache.get(ids))
        missed = (len(set(ids)) if len(ids) > 1 else len(ids)) - len(found)
        self._hits.value += len(found)
        self._misses.value += missed
        self._consecutive = 0 if found else self._consecutive + missed
        return found

    async def put(self, entry: Entry) -> None:
        await self._put(self._cache.put(entry))

    async def drop(self, profile_id: UUID, version: int) -> None:
        await self._drop(self._cache.drop(profile_id, version))

    async def clear(self) -> None:
        await self._clear(self._cache.clear())

    def _ratio(self) -> float:
        return self._hits.value / max(1, self._hits.value + self._misses.value)


class ObservedQueue:
    """The Queue port, with metrics `queue_…`."""

    def __init__(self, queue: Queue, metrics: Metrics) -> None:
        self._queue = queue

        def verb(operation: str) -> Verb:
            unavailable = metrics.queue_errors.labels(operation, "unavailable")
            unexpected = metrics.queue_errors.labels(operation, "unexpected")
            return Verb(metrics.queue_latency.labels(operation), unavailable, unexpected)

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


class ObservedBlobs:
    """The Blobs port, with metrics `blobs_…`."""

    def __init__(self, blobs: Blobs, metrics: Metrics) -> None:
        self._blobs = blobs

        def verb(operation: str) -> Verb:
            unavailable = metrics.blobs_errors.labels(operation, "unavailable")
            unexpected = metrics.blobs_errors.labels(operation, "unexpected")
            return Verb(metrics.blobs_latency.labels(operation), unavailable, unexpected)

        self._put, self._get = verb("put"), verb("get")
        self._delete, self._list = verb("delete"), verb("list")

    async def put(self, key: str, data: bytes) -> None:
        await self._put(self._blobs.put(key, data))

    async def get(self, key: str) -> bytes | None:
        return await self._get(self._blobs.get(key))

    async def delete(self, keys: Collection[str]) -> None:
        await self._delete(self._blobs.delete(keys))

    async def list(self, after: str, limit: int) -> Sequence[Stored]:
        return await self._list(self._blobs.list(after, limit))
