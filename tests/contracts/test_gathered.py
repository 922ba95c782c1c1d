"""What is gathered still does what the port says."""

import pytest

from profilecore.adapters.gathered import GatheredCache, GatheredProfiles
from profilecore.adapters.memory import MemoryCache, MemoryLog, MemoryProfiles, MemoryStore
from profilecore.ports import Cache
from profilecore.testing.cache import CacheContract
from profilecore.testing.lists import ListsContract
from profilecore.testing.places import (
    CachePlace,
    Place,
    Store,
    Traits,
)
from profilecore.testing.profiles import ProfilesContract


class GatheredPlace(Place[Store]):
    def __init__(self) -> None:
        self._store = MemoryStore()

    async def open(self) -> Store:
        profiles = GatheredProfiles(MemoryProfiles(self._store), most=3)
        return Store(profiles, MemoryLog(self._store))

    async def close(self) -> None:
        self._store = MemoryStore()


class GatheredCachePlace(CachePlace):
    ttl = 100.0

    def __init__(self) -> None:
        self.now = 1_000.0

    async def open(self) -> Cache:
        cache = MemoryCache(capacity=10, ttl=self.ttl, clock=lambda: self.now)
        return GatheredCache(cache, most=3)

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class TestGatheredProfiles(ProfilesContract, ListsContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return GatheredPlace()


class TestGatheredCache(CacheContract):
    traits = Traits(durable=False, shared=False, capacity=10)

    @pytest.fixture
    def place(self) -> CachePlace:
        return GatheredCachePlace()
