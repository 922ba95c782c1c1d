"""What every adapter of the ports Tasks and TaskUpkeep does."""

from profilecore.testing.places import TasksPlace, TaskStore
from profilecore.testing.task_claims import TaskClaimsContract
from profilecore.testing.task_orders import TaskOrdersContract
from profilecore.testing.task_samples import (
    KINDS,
    cancel,
    one,
    start,
    step,
)
from profilecore.testing.task_steps import TaskStepsContract
from profilecore.testing.task_upkeep import TaskUpkeepContract


class TasksContract(TaskOrdersContract, TaskStepsContract, TaskClaimsContract, TaskUpkeepContract):
    """Subclass it with `traits` and a fixture `place`."""

    async def test_what_was_stored_outlives_the_adapter_if_durable(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        task = await one(tasks, payload={"kinds": KINDS}, unique_key="k", trace={"a": "b"})
        running = await step(tasks, task, start)
        await place.close()
        again = await place.open()
        assert await again.get([task.id]) == ({task.id: running} if self.traits.durable else {})
        assert (await one(again, unique_key="k") == running) == self.traits.durable

    async def test_another_adapter_on_the_place_sees_each_answered_step_if_shared(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        other = await place.open()
        for _ in range(20):
            task = await one(tasks)
            assert await other.get([task.id]) == ({task.id: task} if self.traits.shared else {})
            done = await step(tasks, task, cancel)
            assert await other.get([task.id]) == ({task.id: done} if self.traits.shared else {})
