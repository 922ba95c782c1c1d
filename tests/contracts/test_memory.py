"""The adapters in memory pass the whole contract."""

import pytest

from profilecore.adapters.memory import (
    MemoryCache,
    MemoryLog,
    MemoryProfiles,
    MemoryQueue,
    MemoryStore,
)
from profilecore.ports import Cache, Queue
from profilecore.testing.cache import CacheContract
from profilecore.testing.lists import ListsContract
from profilecore.testing.log import LogContract
from profilecore.testing.machine import StoreMachine, played
from profilecore.testing.places import (
    CachePlace,
    Place,
    Store,
    Traits,
)
from profilecore.testing.profiles import ProfilesContract
from profilecore.testing.queue import QueueContract


class MemoryPlace(Place[Store]):
    def __init__(self) -> None:
        self._store = MemoryStore()

    async def open(self) -> Store:
        return Store(MemoryProfiles(self._store), MemoryLog(self._store))

    async def close(self) -> None:
        self._store = MemoryStore()


class MemoryCachePlace(CachePlace):
    """One cache a process: each has its own."""

    ttl = 100.0

    def __init__(self) -> None:
        self.now = 1_000.0

    async def open(self) -> Cache:
        return MemoryCache(capacity=10, ttl=self.ttl, clock=lambda: self.now)

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class MemoryQueuePlace(Place[Queue]):
    async def open(self) -> Queue:
        return MemoryQueue()

    async def close(self) -> None:
        pass


class TestMemoryProfiles(ProfilesContract, ListsContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return MemoryPlace()


class TestMemoryLog(LogContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return MemoryPlace()


class TestMemoryCache(CacheContract):
    traits = Traits(durable=False, shared=False, capacity=10)

    @pytest.fixture
    def place(self) -> CachePlace:
        return MemoryCachePlace()


class TestMemoryQueue(QueueContract):
    traits = Traits(durable=False, shared=False, named=False)

    @pytest.fixture
    def place(self) -> Place[Queue]:
        return MemoryQueuePlace()


class MemoryMachine(StoreMachine):
    traits = Traits(durable=False, shared=True)

    def make_place(self) -> Place[Store]:
        return MemoryPlace()


TestMemoryAgainstModel = played(MemoryMachine)
