"""Holds in a dict. No verb awaits, so each is a transaction."""

import time
from collections.abc import Callable, Collection
from datetime import timedelta

from profilecore.adapters.memory.store import CONDEMNED, MemoryStore
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED


class MemoryHolds:
    """The Holds port on a MemoryStore."""

    def __init__(self, store: MemoryStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._holds = store.holds
        self._uses = store.uses
        self._clock = clock

    async def hold(self, image_id: str, holder: str, lease: timedelta) -> None:
        self._refuse_condemned(image_id)
        there = self._holds.setdefault(image_id, {})
        there.pop(CONDEMNED, None)
        there[holder] = self._clock() + lease.total_seconds()

    async def release(self, image_id: str, holder: str) -> None:
        self._holds.get(image_id, {}).pop(holder, None)

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        for image_id in image_ids:
            self._refuse_condemned(image_id)
        now = self._clock()
        for image_id, there in list(self._holds.items()):
            held = {h: until for h, until in there.items() if h == CONDEMNED or until > now}
            self._holds[image_id] = held
            if not held:
                del self._holds[image_id]
        unused = await self.unused(image_ids)
        self._holds |= {i: {CONDEMNED: now + lease.total_seconds()} for i in unused}
        return unused

    async def forget(self, image_ids: Collection[str]) -> None:
        for image_id in image_ids:
            self._holds.get(image_id, {}).pop(CONDEMNED, None)

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        now = self._clock()
        return {
            image_id
            for image_id in image_ids
            if self._uses[image_id] <= 0
            and all(until <= now for until in self._holds.get(image_id, {}).values())
        }

    def _refuse_condemned(self, image_id: str) -> None:
        if self._holds.get(image_id, {}).get(CONDEMNED, float("-inf")) > self._clock():
            raise Unavailable(BEING_REMOVED, code="being_removed")
