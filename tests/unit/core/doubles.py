"""Stand-ins for what goes wrong around the core: adapters in memory, with a switch."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from profilecore.adapters.memory import MemoryCache, MemoryLog, MemoryProfiles, MemoryStore
from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.event import Change, Event
from profilecore.feed import Feed
from profilecore.person import PersonErasure, PersonExport, TasksAbout
from profilecore.profile import Entry
from profilecore.receipt import Receipt
from profilecore.service import ProfileService, now


class SwitchedLog(MemoryLog):
    """A log that can be cut off, and that can be slow."""

    down = False
    pause = 0.0
    reads = 0
    no_position = False

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        self.reads += 1
        await asyncio.sleep(self.pause)
        if self.down:
            raise Unavailable("The log is cut off.")
        return await super().read(after, limit)

    async def position(self) -> int:
        if self.no_position:
            raise Unavailable("The log is cut off.")
        return await super().position()


class SwitchedCache(MemoryCache):
    """A cache that can fail, and that can be slow to answer."""

    down = False
    pause = 0.0

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        self._check()
        found = await super().get(ids)
        await asyncio.sleep(self.pause)
        return found

    async def put(self, entry: Entry) -> None:
        self._check()
        await super().put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        self._check()
        await super().drop(profile_id, version)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The cache is down.")


class InterruptedProfiles(MemoryProfiles):
    """Calls `before_write` ahead of each write, to put somebody else's in front of it."""

    before_write: Callable[[], Awaitable[object]] | None = None

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        if self.before_write is not None:
            await self.before_write()
        return await super().write(changes, atomic=atomic, receipt=receipt)


class Process:
    """What one process has of its own, on a store that it shares with others."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        interval: float = 0.02,
        trust: float = 0.2,
        store_era: Callable[[], int] = lambda: 0,
    ) -> None:
        self.store = store
        self.profiles = InterruptedProfiles(store)
        self.log = SwitchedLog(store)
        self.cache = SwitchedCache(capacity=100)
        self.feed = Feed(self.cache, self.log, interval=interval, trust=trust, store_era=store_era)
        self.service = ProfileService(
            self.profiles,
            self.log,
            self.feed,
            announce=self.feed.wake,
            known=self.feed.known,
        )
        self.tasks = self.profiles._tasks
        self.about = TasksAbout(self.tasks, self.tasks)
        self.export = PersonExport(self.service, self.log, self.about, "/media")

    def erasure(self, clock: Callable[[], datetime] = now) -> PersonErasure:
        stands_on = (self.service, self.profiles, self.log, self.cache, self.about)
        return PersonErasure(*stands_on, clock=clock)
