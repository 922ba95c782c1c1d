"""What is counted and timed still does what the port says."""

import pytest
from prometheus_client import CollectorRegistry

from profilecore.adapters.gathered import GatheredProfiles
from profilecore.adapters.memory import (
    MemoryCache,
    MemoryEndings,
    MemoryLog,
    MemoryProfiles,
    MemoryQueue,
    MemoryReceipts,
    MemoryStore,
    MemoryTasks,
)
from profilecore.adapters.observed import (
    Metrics,
    ObservedBlobs,
    ObservedCache,
    ObservedEndings,
    ObservedLog,
    ObservedProfiles,
    ObservedQueue,
    ObservedTasks,
    TaskMetrics,
)
from profilecore.ports import Blobs, Cache, Queue
from profilecore.testing.blobs import BlobsContract
from profilecore.testing.cache import CacheContract
from profilecore.testing.endings import EndingsContract
from profilecore.testing.lists import ListsContract
from profilecore.testing.log import LogContract
from profilecore.testing.places import (
    BlobsPlace,
    CachePlace,
    Ended,
    EndingsPlace,
    Place,
    Receipted,
    ReceiptedPlace,
    Store,
    TasksPlace,
    TaskStore,
    Traits,
)
from profilecore.testing.profiles import ProfilesContract
from profilecore.testing.queue import QueueContract
from profilecore.testing.receipts import ReceiptsContract
from profilecore.testing.tasks import TasksContract
from tests.contracts.test_blobs import MemoryBlobsPlace


class ObservedPlace(Place[Store]):
    def __init__(self) -> None:
        self._store = MemoryStore()

    async def open(self) -> Store:
        metrics = Metrics(CollectorRegistry())
        profiles = ObservedProfiles(MemoryProfiles(self._store), metrics)
        return Store(profiles, ObservedLog(MemoryLog(self._store), metrics))

    async def close(self) -> None:
        self._store = MemoryStore()


class ObservedReceiptedPlace(ReceiptedPlace):
    """With reads gathered, as in the service."""

    async def open(self) -> Receipted:
        registry = CollectorRegistry()
        metrics = Metrics(registry)
        receipts = MemoryReceipts(lambda: self.now)
        store, tasks = MemoryStore(receipts), MemoryTasks(lambda: self.now, receipts)
        return Receipted(
            GatheredProfiles(ObservedProfiles(MemoryProfiles(store, tasks), metrics)),
            ObservedLog(MemoryLog(store), metrics),
            ObservedTasks(tasks, metrics, TaskMetrics(registry, ["echo"])),
            receipts,
        )

    async def close(self) -> None:
        pass


class ObservedCachePlace(CachePlace):
    ttl = 100.0

    def __init__(self) -> None:
        self.now = 1_000.0

    async def open(self) -> Cache:
        cache = MemoryCache(capacity=10, ttl=self.ttl, clock=lambda: self.now)
        return ObservedCache(cache, Metrics(CollectorRegistry()))

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class ObservedQueuePlace(Place[Queue]):
    async def open(self) -> Queue:
        return ObservedQueue(MemoryQueue(), Metrics(CollectorRegistry()))

    async def close(self) -> None:
        pass


class ObservedTaskStore(ObservedTasks):
    """Upkeep is not measured: it goes past the wrapper."""

    def __init__(self, tasks: MemoryTasks) -> None:
        registry = CollectorRegistry()
        super().__init__(tasks, Metrics(registry), TaskMetrics(registry, ["echo"]))
        self.backlog, self.purge = tasks.backlog, tasks.purge
        self.mentions, self.blank = tasks.mentions, tasks.blank


class ObservedTasksPlace(TasksPlace):
    async def open(self) -> TaskStore:
        return ObservedTaskStore(MemoryTasks(lambda: self.now))

    async def close(self) -> None:
        pass


class ObservedEndingsPlace(EndingsPlace):
    async def open(self) -> Ended:
        tasks, metrics = MemoryTasks(lambda: self.now), Metrics(CollectorRegistry())
        return Ended(tasks, tasks, ObservedEndings(MemoryEndings(tasks), metrics))

    async def close(self) -> None:
        pass


class ObservedBlobsPlace(MemoryBlobsPlace):
    async def open(self) -> Blobs:
        return ObservedBlobs(await super().open(), Metrics(CollectorRegistry()))


class TestObservedProfiles(ProfilesContract, ListsContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return ObservedPlace()


class TestObservedLog(LogContract):
    traits = Traits(durable=False, shared=True)

    @pytest.fixture
    def place(self) -> Place[Store]:
        return ObservedPlace()


class TestObservedCache(CacheContract):
    traits = Traits(durable=False, shared=False, capacity=10)

    @pytest.fixture
    def place(self) -> CachePlace:
        return ObservedCachePlace()


class TestObservedQueue(QueueContract):
    traits = Traits(durable=False, shared=False, named=False)

    @pytest.fixture
    def place(self) -> Place[Queue]:
        return ObservedQueuePlace()


class TestObservedTasks(TasksContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> TasksPlace:
        return ObservedTasksPlace()


class TestObservedEndings(EndingsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> EndingsPlace:
        return ObservedEndingsPlace()


class TestObservedBlobs(BlobsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> BlobsPlace:
        return ObservedBlobsPlace()


class TestObservedReceipts(ReceiptsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> ReceiptedPlace:
        return ObservedReceiptedPlace()
