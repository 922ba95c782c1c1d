"""A shared cache in memory: what Redis does, in a dict."""

from collections.abc import Collection, Sequence
from uuid import UUID

from profilecore.adapters.memory import MemoryCache
from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.profile import Entry
from profilecore.relay import Horizon


class Place:
    """What the processes share."""

    def __init__(self) -> None:
        self.cache = MemoryCache(capacity=1_000)
        self.position: int | None = None
        self.begun: list[int] = []


class MemorySharedCache:
    """One process' way to the place, which can fail with a code."""

    def __init__(self, place: Place, horizon: Horizon) -> None:
        self.place = place
        self.fails: str | None = None
        self.calls = 0
        self._horizon = horizon

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        self._check()
        return await self.place.cache.get(ids) if self._passed() else {}

    async def put(self, entry: Entry) -> None:
        self._check()
        if self.place.position is not None:
            await self.place.cache.put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        self._check()
        await self.place.cache.drop(profile_id, version)

    async def clear(self) -> None:
        self._check()
        self.place.position = None

    async def position(self) -> int | None:
        self._check()
        return self.place.position

    async def apply(self, after: int, events: Sequence[Event]) -> int | None:
        self._check()
        last = events[-1].position if events else after
        if self.place.position is not None and after <= self.place.position < last:
            for event in events:
                await self.place.cache.drop(event.profile_id, event.version)
            self.place.position = last
        return self.place.position

    async def begin(self, position: int, replaces: int | None) -> None:
        self._check()
        if self.place.position == replaces:
            self.place.cache = MemoryCache(capacity=1_000)
            self.place.position = position
            self.place.begun.append(position)

    def _passed(self) -> bool:
        return self._horizon.passed(self.place.position)

    def _check(self) -> None:
        self.calls += 1
        if self.fails:
            raise Unavailable("It is down.", code=self.fails)
