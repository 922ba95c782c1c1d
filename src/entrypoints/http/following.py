"""The live feed: every change of a profile, and the end of every task."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from profilecore.ending import Ending
from profilecore.entrypoints.http.answers import EndingBody, EventBody
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.wire import ENCODER
from profilecore.errors import Invalid, NotFound
from profilecore.event import Event
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
    """Reads both for one client, until it or the process ends."""

    def __init__(
        self, feed: Feed, task_feed: TaskFeed, lifecycle: Lifecycle, place: Place, heartbeat: float
    ) -> None:
        self._feed = feed
        self._task_feed = task_feed
        self._lifecycle = lifecycle
        self._place = place
        self._heartbeat = heartbeat
        self._looks = True

    async def check(self) -> None:
        """Raise NotFound where the place is gone, before the stream opens."""
        await self._feed.read(self._place.changes, 1)
        if self._place.endings is not None:
            await self._task_feed.read(self._place.endings, 1)

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events (WHATWG HTML, 9.2)."""
        # The place goes first, so that a client that loses the line before any event can resume.
        yield b"retry: 2000\nid: %s\n\n" % str(self._place).encode()
        draining = asyncio.create_task(self._lifecycle.drained())
        try:
            while not draining.done():
                try:
                    endings = await self._endings()
                    events = await self._feed.read(self._place.changes, CHUNK)
                except NotFound:
                    return  # whoever comes back with this place is told
                if len(events) == CHUNK:
                    endings = ()  # there may be more that was there before them
                if events or endings:
                    yield b"".join(self._told(events, endings))
                elif not await self._moved(draining):
                    self._looks = True
                    yield b": still here\n\n"
        finally:
            draining.cancel()

    async def _endings(self) -> Sequence[Ending]:
        """Those that are new: read before the events, and told after them.

        So whoever hears of a task's end has heard of what it changed.
        """
        after = self._place.endings
        if after is None or not (self._looks or self._task_feed.newest > after):
            return ()
        endings = await self._task_feed.read(after, CHUNK)
        self._looks = bool(endings)
        return endings

    def _told(self, events: Sequence[Event], endings: Sequence[Ending]) -> "list[bytes]":
        told = []
        for event in events:
            self._place = replace(self._place, changes=event.position)
            told.append(self._message(event.type, EventBody.of(event)))
        for ending in endings:
            self._place = replace(self._place, endings=ending.position)
            body = EndingBody.of(ending)
            told.append(self._message(body.type, body))
        return told

    def _message(self, name: str, body: EventBody | EndingBody) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (
            str(self._place).encode(),
            name.encode(),
            ENCODER.encode(body),
        )

    async def _moved(self, draining: "asyncio.Task[None]") -> bool:
        """Wait for something new, for the end of the process, or for the heartbeat (False)."""
        changes, endings = self._place.changes, self._place.endings
        waits = [asyncio.create_task(self._feed.wait(changes, self._heartbeat))]
        if endings is not None:
            waits.append(asyncio.create_task(self._task_feed.wait(endings, self._heartbeat)))
        try:
            await asyncio.wait({*waits, draining}, return_when=asyncio.FIRST_COMPLETED)
            grown = endings is not None and self._task_feed.newest > endings
            return self._feed.position > changes or grown or draining.done()
        finally:
            for wait in waits:
                wait.cancel()
