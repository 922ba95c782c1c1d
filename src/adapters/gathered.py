"""Reads that wait at the same time go out as one: wrappers of the ports that are read by ids."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import Context
from datetime import datetime
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.ports import Cache, Profiles
from profilecore.profile import Entry, Profile
from profilecore.receipt import Receipt

T = TypeVar("T")

MOST: Final = 500
AT_ONCE: Final = 4

_Read: TypeAlias = Callable[[Collection[UUID], int | None], Awaitable[dict[UUID, T]]]


class _Call(Generic[T]):
    """One call, or one that is to be; each who waits for it has a future of their own."""

    def __init__(self, at_least: int | None) -> None:
        self.ids: set[UUID] = set()
        self.at_least = at_least
        self._waiters: list[asyncio.Future[dict[UUID, T]]] = []

    def sees(self, at_least: int | None) -> bool:
        """Whether a read that asks for this may be answered from it once it is under way."""
        # One that asks for all that is written sees what was written since the call went out; and
        # such a call sees all up to when it went out, which may be before this position.
        if at_least is None or self.at_least is None:
            return False
        return self.at_least >= at_least

    def raised(self, at_least: int | None) -> None:
        if at_least is not None and self.at_least is not None:
            self.at_least = max(self.at_least, at_least)

    def answer(self) -> "asyncio.Future[dict[UUID, T]]":
        waiter: asyncio.Future[dict[UUID, T]] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def found(self, there: dict[UUID, T]) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(there)

    def failed(self, error: BaseException) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # who has given up, or has another error already, need not see


class _Gathering(Generic[T]):
    """At most `at_once` calls of at most `most` ids; what comes meanwhile waits for the next.

    A read joins a call that has not gone out yet, if either both ask for all that is written, or
    neither does: the call then asks for as much as the most demanding. One that is under way is
    joined only by a read of the same id that it sees enough for.
    """

    def __init__(self, read: _Read[T], most: int, at_once: int) -> None:
        self._read = read
        self._most = most
        self._at_once = at_once
        self._waiting: deque[_Call[T]] = deque()
        self._under_way: set[_Call[T]] = set()
        self._senders: set[asyncio.Task[None]] = set()
        self._sending = 0

    async def get(self, ids: Collection[UUID], at_least: int | None) -> dict[UUID, T]:
        asked: dict[_Call[T], list[UUID]] = {}
        for id_ in set(ids):
            asked.setdefault(self._call(id_, at_least), []).append(id_)
        answers = [(call.answer(), wanted) for call, wanted in asked.items()]
        if self._waiting and self._sending < self._at_once:
            self._sending += 1
            # A task begins in the loop's next round: what else is asked in this one goes with it.
            sender = asyncio.create_task(self._send(), context=Context())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        found: dict[UUID, T] = {}
        for answer, wanted in answers:
            there = await answer
            found |= {id_: there[id_] for id_ in wanted if id_ in there}
        return found

    def _call(self, id_: UUID, at_least: int | None) -> _Call[T]:
        for call in self._under_way:
            if id_ in call.ids and call.sees(at_least):
                return call
        for call in self._waiting:
            alike = (call.at_least is None) is (at_least is None)
            if alike and (id_ in call.ids or len(call.ids) < self._most):
                call.ids.add(id_)
                call.raised(at_least)
                return call
        call = _Call(at_least)
        call.ids.add(id_)
        self._waiting.append(call)
        return call

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._send_one(self._waiting.popleft())
        finally:  # in the same step as the look at what waits: a task ends a round later
            self._sending -= 1

    async def _send_one(self, call: _Call[T]) -> None:
        self._under_way.add(call)
        try:
            call.found(await self._read(list(call.ids), call.at_least))
        except BaseException as error:  # whatever it is, nobody is left to wait
            call.failed(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._under_way.discard(call)


class GatheredProfiles:
    """The Profiles port; its `get` in calls for all who wait. No read waits for a timer.

    A caller that is cancelled stops nobody else's call, and an error is for those in that call.
    """

    def __init__(self, profiles: Profiles, *, most: int = MOST, at_once: int = AT_ONCE) -> None:
        self._profiles = profiles
        self._gathering = _Gathering(self._read, most, at_once)

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        return await self._gathering.get(ids, at_least)

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return await self._profiles.list(query, at_least=at_least)

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        return await self._profiles.write(changes, atomic=atomic, receipt=receipt)

    async def purge(self, deleted_before: datetime) -> int:
        return await self._profiles.purge(deleted_before)

    async def erase(self, ids: Collection[UUID]) -> int:
        return await self._profiles.erase(ids)

    async def _read(self, ids: Collection[UUID], at_least: int | None) -> dict[UUID, Profile]:
        return await self._profiles.get(ids, at_least=at_least)


class GatheredCache:
    """The Cache port; a read sees every put and drop that was over before it."""

    def __init__(self, cache: Cache, *, most: int = MOST, at_once: int = AT_ONCE) -> None:
        self._cache = cache
        self._gathering = _Gathering(self._read, most, at_once)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        return await self._gathering.get(ids, None)

    async def put(self, entry: Entry) -> None:
        await self._cache.put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        await self._cache.drop(profile_id, version)

    async def clear(self) -> None:
        await self._cache.clear()

    async def _read(self, ids: Collection[UUID], _: int | None) -> dict[UUID, Entry]:
        return await self._cache.get(ids)
