"""What the suites of tasks have in common."""

import pytest

from profilecore.testing.places import TasksPlace, TaskStore, Traits


class TaskStoreContract:
    """A suite for tasks in one place."""

    traits: Traits

    @pytest.fixture
    async def tasks(self, place: TasksPlace) -> TaskStore:
        return await place.open()
