"""A queue with another for when it is away does what the port says."""

import pytest

from profilecore.adapters.fallback_queue import FallbackQueue
from profilecore.adapters.memory import MemoryQueue
from profilecore.ports import Queue
from profilecore.testing.places import Place, Traits
from profilecore.testing.queue import QueueContract


class FallbackQueuePlace(Place[Queue]):
    async def open(self) -> Queue:
        return FallbackQueue(MemoryQueue(), MemoryQueue(), ["default"])

    async def close(self) -> None:
        pass


class TestFallbackQueue(QueueContract):
    traits = Traits(durable=False, shared=False, named=False)

    @pytest.fixture
    def place(self) -> Place[Queue]:
        return FallbackQueuePlace()
