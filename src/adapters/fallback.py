"""A shared cache while it can be relied on, and one of this process while it cannot."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.ports import Cache, SharedCache
from profilecore.profile import Entry
from profilecore.relay import Horizon

FAILURES: Final = 3
STEADY: Final = 10.0
SHORTEST: Final = 0.5
LONGEST: Final = 4.0


class FallbackCache:
    """A circuit breaker: `primary` while it answers and is in step with the log, else `fallback`.

    `fallback` is a cache of this process, which never fails and never waits.

    It turns to the fallback on a call that was not answered (code `timeout`), on `FAILURES`
    failures of one verb in a row (a full Redis takes no writes, and gives reads), and where the
    primary has not been repaired as far as this process knows the log; a call that fails as `busy`
    says nothing about the server. It turns back when `apply` finds the primary in step, after
    `SHORTEST` seconds at least, and up to `LONGEST` where it went wrong again within `STEADY`
    seconds. Relay does the asking, in the background.

    The fallback is emptied at each turn and nothing of it goes to the primary. It is told of every
    drop all the time, so that a read that began before a turn cannot bring back what is old.
    get, put, drop and clear never raise Unavailable.
    """

    def __init__(
        self,
        primary: SharedCache,
        fallback: Cache,
        horizon: Horizon,
        *,
        turned: Callable[[bool, str], None] = lambda active, why: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._fallback = fallback
        self._horizon = horizon
        self._turned = turned
        self._clock = clock
        self._active = True
        self._failures = Counter[str]()
        self._pause = SHORTEST
        self._turned_at = self._failed_at = float("-inf")

    @property
    def active(self) -> bool:
        """Whether the fallback is in use."""
        return self._active

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        if not self._active:
            async with self._watched("get"):
                return await self._primary.get(ids)
        return await self._fallback.get(ids)

    async def put(self, entry: Entry) -> None:
        if self._active:
            await self._fallback.put(entry)
            return
        async with self._watched("put"):  # what it loses, the log repairs
            await self._primary.put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        await self._fallback.drop(profile_id, version)
        if not self._active:
            async with self._watched("drop"):  # what it loses, the log repairs
                await self._primary.drop(profile_id, version)

    async def clear(self) -> None:
        """As the port has it; until the primary is begun anew, the fallback is in use."""
        await self._fallback.clear()
        async with self._watched("clear"):  # what it loses, the relay leaves behind
            await self._primary.clear()
        await self._turn(True, "it was emptied")

    async def position(self) -> int | None:
        return await self._primary.position()

    async def apply(self, after: int, events: Sequence[Event]) -> int | None:
        for event in events:
            await self._fallback.drop(event.profile_id, event.version)
        began = self._clock()
        try:
            position = await self._primary.apply(after, events)
        except Unavailable as error:
            await self._failed("apply", error, began)
            raise
        self._failures["apply"] = 0
        last = events[-1].position if events else after
        if position is None or position < last or not self._horizon.passed(position):
            await self._turn(True, "the cache is behind the log")
        elif self._active and self._clock() - self._turned_at >= self._pause:
            await self._turn(False, "the cache is in step with the log")
        return position

    async def begin(self, position: int, replaces: int | None) -> None:
        await self._primary.begin(position, replaces)

    @asynccontextmanager
    async def _watched(self, verb: str) -> AsyncIterator[None]:
        began = self._clock()
        try:
            yield
        except Unavailable as error:
            await self._failed(verb, error, began)
        else:
            self._failures[verb] = 0

    async def _failed(self, verb: str, error: Unavailable, began: float) -> None:
        # Calls that failed together say the same thing once.
        if error.code == "busy" or (error.code != "timeout" and began < self._failed_at):
            return
        self._failed_at = self._clock()
        self._failures[verb] += 1
        if error.code == "timeout" or self._failures[verb] >= FAILURES:
            await self._turn(True, error.detail)

    async def _turn(self, active: bool, why: str) -> None:
        if active is self._active:
            return
        now = self._clock()
        if active:
            again = now - self._turned_at < STEADY
            self._pause = min(2 * self._pause, LONGEST) if again else SHORTEST
        self._active = active
        self._turned_at = now
        self._failures.clear()
        await self._fallback.clear()
        self._turned(active, why)
