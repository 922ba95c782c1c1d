"""Steps of tasks, one by one and at once: a part of TasksContract."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profilecore.errors import Conflict, Invalid, NotFound, ProfilecoreError
from profilecore.identifiers import new_id
from profilecore.order import Order
from profilecore.schedule import TaskQuery
from profilecore.task import Failure, Status, Task
from profilecore.testing.places import TasksPlace, TaskStore
from profilecore.testing.samples import SECOND
from profilecore.testing.task_samples import (
    KINDS,
    LEASE,
    TICK,
    as_json,
    cancel,
    one,
    refused,
    some,
    start,
    step,
    stored,
)
from profilecore.testing.task_store import TaskStoreContract


class TaskStepsContract(TaskStoreContract):
    """A part of TasksContract: steps, one by one and at once."""

    async def test_a_step_gets_what_is_stored_and_the_time_and_gives_what_is_stored(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        task = await one(tasks)
        await place.move(SECOND)
        seen: list[tuple[Task, datetime]] = []

        def take(task: Task, at: datetime) -> Task:
            seen.append((task, at))
            return task.started(at, LEASE)

        outcomes = await tasks.write({task.id: take})
        assert seen[-1] == (task, place.now)
        assert outcomes == {task.id: task.started(place.now, LEASE)}
        assert await tasks.get([task.id]) == outcomes
        assert await tasks.write({}) == {}

    @pytest.mark.parametrize("result", KINDS, ids=repr)
    async def test_a_result_of_any_kind_of_json_is_kept(
        self, tasks: TaskStore, result: Any
    ) -> None:
        task = await one(tasks)
        await step(tasks, task, start)
        await step(tasks, task, lambda t, at: t.succeeded(at, t.fence, result))
        found = (await stored(tasks, task)).result
        assert as_json(found) == as_json(result)

    async def test_every_field_that_a_step_changes_is_kept(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        task = await one(tasks, unique_key="k", trace={"a": "b"}, payload={"p": 1})
        changed = replace(
            task,
            status=Status.RUNNING,
            run_at=datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            due_at=place.now + timedelta(days=30, microseconds=3),
            updated_at=place.now + TICK,
            priority=7,
            attempt=3,
            progress=1 / 3,
            result={"half": ["done", 0.5]},
            errors=tuple(
                Failure(n, place.now - n * TICK, f"error {n}: ü \U0001f600 '\" \\ {'x' * 950}")
                for n in range(100)
            ),
            started_at=place.now - TICK,
            fence=2**40,
            cancelling=True,
            revision=task.revision + 1,
        )
        same = {"id", "type", "payload", "created_at", "max_attempts", "unique_key", "trace"}
        names = {field.name for field in fields(Task)}
        differ = {name for name in names if getattr(changed, name) != getattr(task, name)}
        assert differ == names - same, "the test is complete"
        assert await step(tasks, task, lambda t, at: changed) == changed
        assert await stored(tasks, task) == changed
        assert list(await tasks.list(TaskQuery())) == [changed]
        back = replace(task, revision=changed.revision + 1)
        assert await step(tasks, task, lambda t, at: back) == back
        assert await stored(tasks, task) == back, "and what was set can be taken back"

    async def test_each_task_has_its_own_outcome(self, tasks: TaskStore, place: TasksPlace) -> None:
        good, early, gone = await one(tasks), await one(tasks, delay=SECOND), new_id()
        outcomes = await tasks.write({early.id: start, gone: start, good.id: start})
        assert set(outcomes) == {early.id, gone, good.id}
        assert isinstance(outcomes[early.id], Conflict)
        assert isinstance(outcomes[gone], NotFound)
        assert outcomes[good.id] == good.started(place.now, LEASE)
        assert await tasks.get([good.id, early.id, gone]) == {
            good.id: outcomes[good.id],
            early.id: early,
        }

    async def test_what_a_step_raises_is_its_outcome_and_nothing_is_stored(
        self, tasks: TaskStore
    ) -> None:
        task = await one(tasks)
        for error in (Conflict("no", code="task_state"), Invalid.field("run_at", "far")):

            def refuse(task: Task, at: datetime, error: ProfilecoreError = error) -> Task:
                raise error

            assert await refused(tasks, task, refuse) is error
            assert await stored(tasks, task) == task

    async def test_a_step_with_a_fault_is_told_and_spoils_nothing(self, tasks: TaskStore) -> None:
        task = await one(tasks)

        def broken(task: Task, at: datetime) -> Task:
            raise ZeroDivisionError("a fault")

        for _ in range(10):
            with pytest.raises(ZeroDivisionError):
                await tasks.write({task.id: broken})
        assert await stored(tasks, task) == task
        assert (await step(tasks, task, start)).status is Status.RUNNING

    async def test_steps_at_once_all_take_effect(self, tasks: TaskStore, place: TasksPlace) -> None:
        both = [tasks, await place.open()] if self.traits.shared else [tasks]
        task = await step(tasks, await one(tasks), start)

        def further(task: Task, at: datetime) -> Task:
            return task.renewed(at, 1, LEASE, (task.progress or 0.0) + 1 / 64)

        await asyncio.gather(*(step(both[n % len(both)], task, further) for n in range(50)))
        found = await stored(tasks, task)
        assert (found.progress, found.revision) == (50 / 64, task.revision + 50)

    async def test_what_others_did_to_a_running_task_is_seen_by_the_next_step(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        other = await place.open() if self.traits.shared else tasks
        asked_to_stop, given_back, taken_over = await some(
            tasks, *(Order(type="echo") for _ in range(3))
        )
        for task in (asked_to_stop, given_back, taken_over):
            await step(tasks, task, start)
        await step(other, asked_to_stop, cancel)
        failed = await step(tasks, asked_to_stop, lambda t, at: t.failed(at, 1, "boom"))
        assert failed.status is Status.CANCELLED
        await step(other, given_back, lambda t, at: t.handed_back(at, 1))
        assert (await step(tasks, given_back, start)).fence == 2
        await step(other, taken_over, lambda t, at: t.handed_back(at, 1))
        await step(other, taken_over, start)
        late = await refused(tasks, taken_over, lambda t, at: t.succeeded(at, 1, "late"))
        assert isinstance(late, Conflict)
        assert (await stored(tasks, taken_over)).status is Status.RUNNING

    async def test_one_of_many_who_start_a_task_at_once_does(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        both = [tasks, await place.open()] if self.traits.shared else [tasks]
        for _ in range(5):
            task = await one(tasks)
            outcomes = await asyncio.gather(
                *(both[n % len(both)].write({task.id: start}) for n in range(10))
            )
            begun = [o[task.id] for o in outcomes if isinstance(o[task.id], Task)]
            assert begun == [await stored(tasks, task)]

    async def test_calls_with_many_steps_that_meet_do_not_block_one_another(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        """Whatever their order."""
        both = [tasks, await place.open()] if self.traits.shared else [tasks]
        added = await some(tasks, *(Order(type="echo") for _ in range(20)))

        def urge(task: Task, at: datetime) -> Task:
            return task.rescheduled(at, None, (task.priority + 1) % 10)

        forth = {task.id: urge for task in added}
        back = {task.id: urge for task in reversed(added)}
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(both[n % len(both)].write((forth, back)[n % 4 // 2]) for n in range(12))
            )
        found = await tasks.get(forth)
        assert {task.revision for task in found.values()} == {13}
