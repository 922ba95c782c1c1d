"""Tasks in memory pass the whole contract."""

import pytest

from profilecore.adapters.memory import MemoryTasks
from tests.contracts.places import TasksPlace, TaskStore, Traits
from tests.contracts.tasks import TasksContract


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
