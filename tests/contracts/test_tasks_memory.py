"""Tasks in memory pass the whole contract."""

import pytest

from profilecore.adapters.memory import MemoryTasks
from profilecore.ports import Queue
from profilecore.testing.places import (
    Place,
    TasksPlace,
    TaskStore,
    Traits,
)
from profilecore.testing.task_machine import TaskMachine, played
from profilecore.testing.tasks import TasksContract
from tests.contracts.test_memory import MemoryQueuePlace


class MemoryTasksPlace(TasksPlace):
    """Each adapter has its own tasks."""

    async def open(self) -> TaskStore:
        return MemoryTasks(lambda: self.now)

    async def close(self) -> None:
        pass


class TestMemoryTasks(TasksContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> TasksPlace:
        return MemoryTasksPlace()


class MemoryMachine(TaskMachine):
    traits = Traits(durable=False, shared=False)

    def make_place(self) -> TasksPlace:
        return MemoryTasksPlace()

    def make_queue(self) -> Place[Queue]:
        return MemoryQueuePlace()


TestMemoryTasksAgainstModel = played(MemoryMachine)
