"""How far the log was published, in this process's memory."""

import time
from collections.abc import Callable

from profilecore.adapters.memory.store import MemoryStore


class MemoryBookmark:
    """The Bookmark port on a MemoryStore."""

    def __init__(self, store: MemoryStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._position: int | None = None
        self._holder = ""
        self._until = float("-inf")

    async def hold(self, holder: str, seconds: float) -> int | None:
        now = self._clock()
        if holder != self._holder and now <= self._until:
            return None
        self._holder, self._until = holder, now + seconds
        if self._position is None:
            self._position = self._store.newest
        # A log that was trimmed beyond it goes on from there.
        return max(self._position, self._store.trimmed)

    async def advance(self, holder: str, position: int) -> bool:
        if holder != self._holder or self._clock() > self._until or self._position is None:
            return False
        self._position = max(self._position, position)
        return True
