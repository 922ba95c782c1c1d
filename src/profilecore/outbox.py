"""The change log as the outbox: its events are published outside, in order, at least once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from profilecore.errors import NotFound, Unavailable
from profilecore.identifiers import new_id
from profilecore.ports import Bookmark, Log, Publisher

AT_ONCE: Final = 200
LEASE: Final = 10.0
_LOOK_EVERY: Final = 2.0
_READ_EVERY: Final = 0.05
_PAUSE: Final = 0.5
_PAUSE_MAX: Final = 10.0


class Outbox:
    """Publishes what the log has, from where it was left off, whoever did so before.

    One process at a time does it, so that the events of a profile keep their order; it holds the
    bookmark for `lease` seconds, and another takes over when it does not renew that. What was
    published and not noted comes again. `wait` returns when the log has grown beyond a position,
    or after so many seconds. `published` is told how many events went out.
    """

    def __init__(
        self,
        log: Log,
        publisher: Publisher,
        bookmark: Bookmark,
        wait: Callable[[int, float], Awaitable[None]],
        *,
        lease: float = LEASE,
        published: Callable[[int], object] = lambda number: None,
    ) -> None:
        self._log = log
        self._publisher = publisher
        self._bookmark = bookmark
        self._wait = wait
        self._lease = lease
        self._published = published
        self._holder = new_id().hex

    async def run(self) -> None:
        """Publish until cancelled, and leave it to others then; an outage is waited out."""
        try:
            await self._run()
        finally:
            with suppress(Unavailable):  # then it is anybody's when the lease ends
                await self._bookmark.hold(self._holder, 0)

    async def _run(self) -> None:
        pause = _PAUSE
        while True:
            try:
                if not await self.turn():
                    await asyncio.sleep(_LOOK_EVERY)
                pause = _PAUSE
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _PAUSE_MAX)

    async def turn(self) -> bool:
        """Publish for half a lease; False where another is the one who does so.

        Raises Unavailable where the log, the bookmark or the place outside is away.
        """
        held = time.monotonic()
        position = await self._bookmark.hold(self._holder, self._lease)
        if position is None:
            return False
        while time.monotonic() - held < self._lease / 2:
            try:
                events = await self._log.read(position, AT_ONCE)
            except NotFound:
                # It has lost its end, or its beginning: the bookmark knows where to go on.
                await asyncio.sleep(_PAUSE)
                return True
            if not events:
                # Whoever tells of growth may know of a log whose end was lost: no faster than this.
                await asyncio.gather(
                    self._wait(position, self._lease / 4), asyncio.sleep(_READ_EVERY)
                )
                continue
            await self._publisher.publish(events)
            self._published(len(events))
            position = events[-1].position
            if not await self._bookmark.advance(self._holder, position):
                return False
        return True
