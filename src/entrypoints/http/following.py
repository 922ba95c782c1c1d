"""The live feed: every change of a profile, and the end of every task."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final, Self

from profilecore.ending import Ending
from profilecore.entrypoints.http.answers import EndingBody, EventBody
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.wire import ENCODER
from profilecore.errors import Invalid, NotFound
from profilecore.feed import Feed
from profilecore.tasks import TaskFeed

CHUNK: Final = 100
PLACE: Final = re.compile("^[0-9]{1,18}(-[0-9]{1,18})?$")


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has followed the change log, and how far the ends of tasks.

    `endings` is None for whoever follows the log alone.
    """

    changes: int
    endings: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `17-4`, or `17` alone. Raises Invalid."""
        if not PLACE.fullmatch(text):
            raise Invalid.field("after", "must be a position such as 17 or 17-4", "malformed")
        changes, _, endings = text.partition("-")
        return cls(int(changes), int(endings) if endings else None)

    def __str__(self) -> str:
        return str(self.changes) if self.endings is None else f"{self.changes}-{self.endings}"


class Follower:
    """Reads for one client, until it or the process ends; tells of tasks if it has a `task_feed`.

    Ends are read before the changes and told after them, so that whoever hears of a task's end has
    heard of what it changed.
    """

    def __init__(
        self,
        feed: Feed,
        task_feed: TaskFeed | None,
        lifecycle: Lifecycle,
        place: Place,
        heartbeat: float,
    ) -> None:
        self._feed = feed
        self._task_feed = task_feed
        self._lifecycle = lifecycle
        self._place = place
        self._heartbeat = heartbeat
        self._looks = True
        self._in_hand: Sequence[Ending] = ()
        self._tell_at: int | None = None
        """Where the log ended when those in hand had been read; None before it was asked."""

    async def check(self) -> None:
        """Raise NotFound where the place is gone, before the stream opens."""
        await self._feed.read(self._place.changes, 1)
        if self._task_feed is not None and self._place.endings is not None:
            await self._task_feed.read(self._place.endings, 1)

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events (WHATWG HTML, 9.2)."""
        # The place goes first, so that a client that loses the line before any event can resume.
        yield b"retry: 2000\nid: %s\n\n" % str(self._place).encode()
        draining = asyncio.create_task(self._lifecycle.drained())
        try:
            with nullcontext() if self._task_feed is None else self._task_feed.following():
                while not draining.done():
                    try:
                        told = await self._told()
                    except NotFound:
                        return  # whoever comes back with this place is told
                    if told:
                        yield b"".join(told)
                    elif not await self._moved(draining):
                        self._looks = True
                        yield b": still here\n\n"
        finally:
            draining.cancel()

    async def _told(self) -> list[bytes]:
        """What is new, as it is sent."""
        if not self._in_hand:
            self._in_hand, self._tell_at = await self._endings(), None
        events = await self._feed.read(self._place.changes, CHUNK)
        told = []
        for event in events:
            self._place = replace(self._place, changes=event.position)
            told.append(self._message(event.type, EventBody.of(event)))
        if self._in_hand and len(events) == CHUNK:  # there may be more that was there before them
            if self._tell_at is None:
                self._tell_at = await self._feed.end()
            if self._place.changes < self._tell_at:
                return told
        for ending in self._in_hand:
            self._place = replace(self._place, endings=ending.position)
            body = EndingBody.of(ending)
            told.append(self._message(body.type, body))
        self._in_hand = ()
        return told

    async def _endings(self) -> Sequence[Ending]:
        """Those that are new, if there may be some."""
        after = self._place.endings
        if self._task_feed is None or after is None:
            return ()
        if not (self._looks or self._task_feed.newest > after):
            return ()
        endings = await self._task_feed.read(after, CHUNK)
        self._looks = bool(endings)
        return endings

    def _message(self, name: str, body: EventBody | EndingBody) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (
            str(self._place).encode(),
            name.encode(),
            ENCODER.encode(body),
        )

    async def _moved(self, draining: "asyncio.Task[None]") -> bool:
        """Wait for something new, for the end of the process, or for the heartbeat (False)."""
        waits = [asyncio.create_task(self._feed.wait(self._place.changes, self._heartbeat))]
        if self._task_feed is not None and self._place.endings is not None:
            wait = self._task_feed.wait(self._place.endings, self._heartbeat)
            waits.append(asyncio.create_task(wait))
        try:
            await asyncio.wait({*waits, draining}, return_when=asyncio.FIRST_COMPLETED)
            return self._grown() or draining.done()
        finally:
            for wait_ in waits:
                wait_.cancel()

    def _grown(self) -> bool:
        """Whether there is more than this client was told."""
        if self._feed.position > self._place.changes:
            return True
        after = self._place.endings
        return self._task_feed is not None and after is not None and self._task_feed.newest > after
