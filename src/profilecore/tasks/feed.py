"""How tasks end, as one process follows it for those who wait for that."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from profilecore.ending import Ending
from profilecore.errors import Unavailable
from profilecore.ports import Endings


class TaskFeed:
    """Looks for new ends every `interval` seconds, as long as somebody is `following`.

    So one process asks as often as another, however many follow in it. `newest` is the position
    as it was at the last look.
    """

    def __init__(self, endings: Endings, *, interval: float = 0.25) -> None:
        self._endings = endings
        self._interval = interval
        self._followers = 0
        self._wanted = asyncio.Event()
        self._moved = asyncio.Condition()
        self.newest = 0

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        """Read what there is, as `Endings.read` does."""
        return await self._endings.read(after, limit)

    async def position(self) -> int:
        """Give the position of the newest end, 0 where there was none."""
        return await self._endings.position()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Keep `newest` up to date until the block ends."""
        self._followers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._wanted.clear()

    async def wait(self, after: int, timeout: float) -> None:  # noqa: ASYNC109 - the bound is the point
        """Return when there is an end beyond `after`, or after `timeout` seconds."""
        with self.following(), suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: self.newest > after)

    async def follow(self) -> None:
        """Look, until cancelled; an outage is waited out."""
        while True:
            await self._wanted.wait()
            with suppress(Unavailable):
                await self._look()
            await asyncio.sleep(self._interval)

    async def _look(self) -> None:
        newest = await self._endings.position()
        if newest != self.newest:
            async with self._moved:
                self.newest = newest
                self._moved.notify_all()
