"""Holds in a dict. No verb awaits, so each is a transaction."""

import time
from collections.abc import Callable, Collection
from datetime import timedelta

from profilecore.adapters.memory.store import Hold, MemoryStore
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED


class MemoryHolds:
    """The Holds port on a MemoryStore."""

    def __init__(self, store: MemoryStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock

    async def hold(self, image_id: str, lease: timedelta) -> None:
        if self._condemned(image_id):
            raise Unavailable(BEING_REMOVED, code="being_removed")
        there = self._store.holds.get(image_id)
        held = there.until if there and not there.condemned else 0
        until = max(held, self._clock() + lease.total_seconds())
        self._store.holds[image_id] = Hold(until, condemned=False)

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        if any(map(self._condemned, image_ids)):
            raise Unavailable(BEING_REMOVED, code="being_removed")
        holds, now = self._store.holds, self._clock()
        for image_id in [i for i, h in holds.items() if h.until <= now and not h.condemned]:
            del holds[image_id]
        unused = await self.unused(image_ids)
        until = now + lease.total_seconds()
        holds |= {image_id: Hold(until, condemned=True) for image_id in unused}
        return unused

    async def forget(self, image_ids: Collection[str]) -> None:
        for image_id in image_ids:
            hold = self._store.holds.get(image_id)
            if hold is not None and hold.condemned:
                del self._store.holds[image_id]

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        return {i for i in image_ids if not self._store.uses[i] and not self._held(i)}

    def _held(self, image_id: str) -> bool:
        hold = self._store.holds.get(image_id)
        return hold is not None and self._clock() < hold.until

    def _condemned(self, image_id: str) -> bool:
        return self._held(image_id) and self._store.holds[image_id].condemned
