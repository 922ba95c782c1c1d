"""The ports of what is stored: a span around each call that is made within a trace."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from opentelemetry.trace import SpanKind

from profilecore.adapters.opentelemetry.tracer import Tracer, headers
from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.order import Order
from profilecore.paging import Page, Query
from profilecore.ports import Cache, Log, Profiles, Tasks
from profilecore.profile import Entry, Profile
from profilecore.receipt import Receipt
from profilecore.schedule import Claims, TaskQuery
from profilecore.task import Step, Task

T = TypeVar("T")

PROFILES: Final = "profiles"
LOG: Final = "events"
TASKS: Final = "tasks"
_CACHE: Final = "cache"


class _Verb:
    """One verb of a port; `name` and `attributes` say all that a trace is told of it."""

    def __init__(self, tracer: Tracer, system: str, verb: str, of: str) -> None:
        self._tracer = tracer
        self._name = f"{verb} {of}"
        self._attributes: dict[str, str | int] = {
            "db.system.name": system,
            "db.operation.name": verb,
        }
        if of != _CACHE:
            self._attributes["db.collection.name"] = of

    async def __call__(self, call: Awaitable[T]) -> T:
        span = self._tracer.child(self._name, SpanKind.CLIENT)
        if span is None:
            return await call
        span.attributes = self._attributes
        with span:
            return await call


class TracedProfiles:
    """The Profiles port; tasks that are ordered with a write are told of the trace."""

    def __init__(self, profiles: Profiles, tracer: Tracer, system: str) -> None:
        self._profiles = profiles
        self._get = _Verb(tracer, system, "get", PROFILES)
        self._list = _Verb(tracer, system, "list", PROFILES)
        self._write = _Verb(tracer, system, "write", PROFILES)
        self._purge = _Verb(tracer, system, "purge", PROFILES)
        self._erase = _Verb(tracer, system, "erase", PROFILES)

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        return await self._get(self._profiles.get(ids, at_least=at_least))

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return await self._list(self._profiles.list(query, at_least=at_least))

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        told = headers()
        if told and any(change.orders for change in changes):
            changes = [
                replace(change, orders=tuple(_telling(order, told) for order in change.orders))
                for change in changes
            ]
        return await self._write(self._profiles.write(changes, atomic=atomic, receipt=receipt))

    async def purge(self, deleted_before: datetime) -> int:
        return await self._purge(self._profiles.purge(deleted_before))

    async def erase(self, ids: Collection[UUID]) -> int:
        return await self._erase(self._profiles.erase(ids))


class TracedLog:
    """The Log port."""

    def __init__(self, log: Log, tracer: Tracer, system: str) -> None:
        self._log = log
        self._read = _Verb(tracer, system, "read", LOG)
        self._history = _Verb(tracer, system, "history", LOG)
        self._get = _Verb(tracer, system, "get", LOG)
        self._position = _Verb(tracer, system, "position", LOG)
        self._trim = _Verb(tracer, system, "trim", LOG)

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


class TracedCache:
    """The Cache port. There is no span while it is `idle`: then this process' memory stands in."""

    def __init__(self, cache: Cache, tracer: Tracer, system: str, idle: Callable[[], bool]) -> None:
        self._cache = cache
        self._idle = idle
        self._get = _Verb(tracer, system, "get", _CACHE)
        self._put = _Verb(tracer, system, "put", _CACHE)
        self._drop = _Verb(tracer, system, "drop", _CACHE)
        self._clear = _Verb(tracer, system, "clear", _CACHE)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        call = self._cache.get(ids)
        return await (call if self._idle() else self._get(call))

    async def put(self, entry: Entry) -> None:
        call = self._cache.put(entry)
        await (call if self._idle() else self._put(call))

    async def drop(self, profile_id: UUID, version: int) -> None:
        call = self._cache.drop(profile_id, version)
        await (call if self._idle() else self._drop(call))

    async def clear(self) -> None:
        call = self._cache.clear()
        await (call if self._idle() else self._clear(call))


class TracedTasks:
    """The Tasks port; a task that is added within a trace carries that with it."""

    def __init__(self, tasks: Tasks, tracer: Tracer, system: str) -> None:
        self._tasks = tasks
        self._add = _Verb(tracer, system, "add", TASKS)
        self._get = _Verb(tracer, system, "get", TASKS)
        self._list = _Verb(tracer, system, "list", TASKS)
        self._write = _Verb(tracer, system, "write", TASKS)

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        told = headers()
        telling = [_telling(order, told) for order in orders] if told else orders
        return await self._add(self._tasks.add(telling))

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        return await self._get(self._tasks.get(ids))

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return await self._list(self._tasks.list(query))

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        return await self._write(self._tasks.write(steps))

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        return await self._tasks.claim(limit, lease)  # for no one's sake: it is in no trace


def _telling(order: Order, told: Mapping[str, str]) -> Order:
    return replace(order, trace={**order.trace, **told})
