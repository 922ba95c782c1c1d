"""The change log as one process follows it: keeps its cache honest and wakes those who wait."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from profilecore.errors import NotFound, Unavailable
from profilecore.event import Event, era
from profilecore.ports import Cache, Log
from profilecore.profile import Entry
from profilecore.relay import Relay

CHUNK: Final = 1_000


class Feed:
    """A Cache that is never stale for longer than `trust` seconds, whoever writes to the store.

    It wraps a cache of this process, or one that is shared, and then the events go through its
    `relay`. `follow` reads the log every `interval` seconds, or at once after `wake`, and drops
    what has changed. While the log cannot be read, entries older than `trust` cannot be vouched
    for, so that reads miss; a cache that fails is a miss too. `store_era` tells in which `era`
    the store is; where that is a new one, what is cached may never have been, and is forgotten.
    """

    def __init__(
        self,
        cache: Cache,
        log: Log,
        relay: Relay | None = None,
        *,
        interval: float = 0.25,
        trust: float = 0.9,
        store_era: Callable[[], int] = lambda: 0,
    ) -> None:
        self._cache = cache
        self._log = log
        self._relay = relay
        self._interval = interval
        self._trust = trust
        self._store_era = store_era
        self._era = 0
        self._read_at = float("-inf")
        self._woken = asyncio.Event()
        self._moved = asyncio.Condition()
        self.position = 0

    @property
    def current(self) -> bool:
        """Whether the log was read to its end within the last `trust` seconds."""
        return time.monotonic() - self._read_at <= self._trust

    def known(self) -> int | None:
        """How far this process knows the log; None while it is not `current`."""
        return self.position if self.current else None

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        read_at = self._read_at
        if not self.current:
            return {}
        try:
            found = await self._cache.get(ids)
        except Unavailable:
            return {}
        # What was vouched for when it was asked may have waited for its answer.
        return found if time.monotonic() - read_at <= self._trust else {}

    async def put(self, entry: Entry) -> None:
        with suppress(Unavailable):  # the log repairs it
            await self._cache.put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        with suppress(Unavailable):  # the log repairs it
            await self._cache.drop(profile_id, version)

    async def clear(self) -> None:
        with suppress(Unavailable):  # what a cache has of another era, its relay leaves behind
            await self._cache.clear()

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        """Read the log itself, as `Log.read` does."""
        return await self._log.read(after, limit)

    async def end(self) -> int:
        """Ask the log itself for its position, as `Log.position` does."""
        return await self._log.position()

    def wake(self) -> None:
        """Read the log now rather than at the next interval."""
        self._woken.set()

    async def wait(self, after: int, timeout: float) -> None:  # noqa: ASYNC109 - the bound is the point
        """Return when the log has grown beyond `after`, or after `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: self.position > after)

    async def start(self) -> None:
        """Begin at the log's end: what an empty cache holds cannot be older."""
        began = time.monotonic()
        self._era = self._store_era()
        self.position = await self._log.position()
        if self._relay is not None:
            await self._relay.start(self.position)
        self._read_at = began

    async def follow(self) -> None:
        """Follow the log until cancelled.

        An outage of the log is waited out. Any other error ends it, and with it the trust in the
        cache.
        """
        while True:
            self._woken.clear()
            with suppress(Unavailable):
                await self.advance()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._woken.wait()

    async def advance(self) -> None:
        """Read the log to its end and drop from the cache what has changed.

        Where the log is not the one that this began with, begin anew at its end.
        """
        while True:
            began = time.monotonic()
            try:
                events = await self._log.read(self.position, CHUNK)
            except NotFound:
                await self._begin_anew()
                return
            last = events[-1].position if events else self.position
            if max(era(last), self._store_era()) > self._era:
                await self._begin_anew()
                return
            await self._pass_on(events)
            await self._move(last)
            if len(events) < CHUNK:
                self._read_at = began
                return

    async def _begin_anew(self) -> None:
        self._read_at = float("-inf")
        began, current = time.monotonic(), self._store_era()
        position = await self._log.position()
        await self.clear()
        if self._relay is not None:
            self._relay.restart(position)
        await self._move(position)
        self._era = max(current, era(position))
        self._read_at = began

    async def _move(self, position: int) -> None:
        if position != self.position:
            async with self._moved:
                self.position = position
                self._moved.notify_all()

    async def _pass_on(self, events: Sequence[Event]) -> None:
        if self._relay is not None:
            await self._relay.pass_on(self.position, events)
            return
        for event in events:
            await self.drop(event.profile_id, event.version)
