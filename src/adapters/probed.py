"""A cache that is looked at now and then, whether it says what the store says."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter

from profilecore.errors import Unavailable
from profilecore.inspection import PAUSE, inspected
from profilecore.ports import Cache, Profiles
from profilecore.profile import Entry

INTERVAL: Final = 5.0
MOST: Final = 50


class ProbedCache:
    """The Cache port, with metrics `cache_probed_total` and `cache_inconsistent_total`.

    Every `interval` seconds `watch` compares the last `MOST` ids that were found with the store:
    one query, and another where something differs. It leaves out a time of fallback, and one
    where either of the two does not answer.
    """

    def __init__(
        self,
        cache: Cache,
        profiles: Profiles,
        registry: CollectorRegistry,
        active: Callable[[], bool],
        *,
        interval: float = INTERVAL,
        pause: float = PAUSE,
    ) -> None:
        self._cache = cache
        self._profiles = profiles
        self._active = active
        self._interval = interval
        self._pause = pause
        self._recent: deque[UUID] = deque(maxlen=MOST)
        self._probed = Counter(
            "cache_probed", "Cached ids that were compared with the store.", registry=registry
        )
        self._inconsistent = Counter(
            "cache_inconsistent",
            "Those of them that differed from it for a second.",
            registry=registry,
        )

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        found = await self._cache.get(ids)
        self._recent.extend(found)
        return found

    async def put(self, entry: Entry) -> None:
        await self._cache.put(entry)

    async def drop(self, profile_id: UUID, version: int) -> None:
        await self._cache.drop(profile_id, version)

    async def clear(self) -> None:
        await self._cache.clear()

    async def watch(self) -> None:
        """Compare until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            ids = set(self._recent)
            self._recent.clear()
            if not ids or self._active():
                continue
            try:
                finding = await inspected(self._cache, self._profiles, ids, pause=self._pause)
            except Unavailable:  # there is nothing to compare with; others tell of that
                continue
            if not self._active():
                self._probed.inc(finding.cached)
                self._inconsistent.inc(len(finding.stale))
