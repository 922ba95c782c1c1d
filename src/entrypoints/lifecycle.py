"""Where a process stands between its start and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GRACE = 1.0  # seconds that a client has left to finish its request, once the process stops


class Lifecycle:
    """Started, draining: what readiness, open streams and waits for clients have to know."""

    def __init__(self, grace: float = GRACE) -> None:
        self.started = False
        self._grace = grace
        self._draining = asyncio.Event()
        self._hurrying = asyncio.Event()
        self._waits: set[asyncio.Timeout] = set()

    @property
    def draining(self) -> bool:
        """Whether the process is about to stop: no new work should be sent to it."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Say from now on that this process is about to stop, and cut waits for clients short."""
        self._draining.set()
        for wait in self._waits:
            self._shorten(wait)

    def hurry(self) -> None:
        """Say that it shall stop now, without waiting for what is under way."""
        self._hurrying.set()

    async def hurried(self) -> None:
        """Return once `hurry` was called."""
        await self._hurrying.wait()

    async def drained(self) -> None:
        """Return once `drain` was called."""
        await self._draining.wait()

    @asynccontextmanager
    async def waiting(self, seconds: float) -> AsyncIterator[None]:
        """Bound a wait for a client; TimeoutError after `seconds`, or soon after `drain`."""
        async with asyncio.timeout(seconds) as wait:
            self._waits.add(wait)
            if self.draining:
                self._shorten(wait)
            try:
                yield
            finally:
                self._waits.discard(wait)

    def _shorten(self, wait: asyncio.Timeout) -> None:
        soon = asyncio.get_running_loop().time() + self._grace
        wait.reschedule(min(soon, wait.when() or soon))
