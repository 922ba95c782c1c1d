"""Orders of tasks, their keys, and reading them: a part of TasksContract."""

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from profilecore.errors import Conflict, Invalid
from profilecore.identifiers import new_id
from profilecore.order import CLOCKS_DIFFER, DELAY_MAX, PAYLOAD_MAX, Order
from profilecore.schedule import TaskQuery
from profilecore.task import FINISHED, Status, Task
from profilecore.testing.places import TasksPlace, TaskStore
from profilecore.testing.samples import SECOND
from profilecore.testing.task_samples import (
    KINDS,
    LEASE,
    TICK,
    as_json,
    die,
    ended,
    one,
    some,
    start,
    step,
    stored,
)
from profilecore.testing.task_store import TaskStoreContract


class TaskOrdersContract(TaskStoreContract):
    """A part of TasksContract: orders, their keys, and reading them."""

    async def test_what_is_ordered_is_dated_by_the_clock_of_the_store(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        order = Order(type="echo")
        (task,) = await tasks.add([order])
        expected = Task(
            id=order.id,
            type="echo",
            payload={},
            run_at=place.now,
            due_at=place.now,
            created_at=place.now,
            updated_at=place.now,
        )
        assert task == expected
        assert await tasks.get([order.id]) == {order.id: expected}
        assert expected.status is Status.SCHEDULED

    async def test_all_that_was_ordered_comes_back_as_it_was(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        order = Order(
            type="a.long-type_9",
            payload={"kinds": KINDS},
            delay=timedelta(days=3, microseconds=7),
            priority=9,
            max_attempts=100,
            unique_key="ü 李 ' % \\" + "k" * 240,
            trace={"x-request-id": "r'1", "traceparent": "00-ü"},
        )
        (task,) = await tasks.add([order])
        assert task == order.task(place.now)
        found = (await tasks.get([order.id]))[order.id]
        assert found == task
        assert as_json(found.payload) == as_json(order.payload)

    async def test_the_largest_payload_is_kept(self, tasks: TaskStore) -> None:
        size = PAYLOAD_MAX - len('{"text":""}')
        task = await one(tasks, payload={"text": "ü" * (size // 2) + "x" * (size % 2)})
        assert await stored(tasks, task) == task
        nested: dict[str, Any] = {}
        for _ in range(45):
            nested = {"n": [nested]}
        deep = await one(tasks, payload=nested)
        assert (await stored(tasks, deep)).payload == nested

    async def test_a_time_may_be_given_in_any_zone(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        then = place.now + timedelta(days=1, microseconds=1)
        task = await one(tasks, run_at=then.astimezone(timezone(timedelta(hours=-7))))
        found = await stored(tasks, task)
        assert (found.run_at, found.due_at) == (then, then)
        for when in (task.run_at, found.run_at, found.due_at, found.created_at, found.updated_at):
            assert when is not None
            assert when.utcoffset() == timedelta(0), "and is kept in UTC"

    async def test_one_that_is_refused_does_not_keep_the_others_out(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        bounds = (-CLOCKS_DIFFER, DELAY_MAX)
        beyond = (-CLOCKS_DIFFER - TICK, DELAY_MAX + TICK)
        orders = [Order(type="echo", run_at=place.now + by) for by in (*bounds, *beyond)]
        orders = [orders[2], orders[0], orders[3], orders[1]]
        outcomes = await tasks.add(orders)
        assert [type(outcome) for outcome in outcomes] == [Invalid, Task, Invalid, Task]
        for outcome in (outcomes[0], outcomes[2]):
            assert isinstance(outcome, Invalid)
            assert [error.field for error in outcome.errors] == ["run_at"]
        assert set(await tasks.get([order.id for order in orders])) == {orders[1].id, orders[3].id}

    async def test_the_answers_are_in_the_order_of_the_orders(self, tasks: TaskStore) -> None:
        orders = [Order(type="echo", payload={"n": n}) for n in range(300)]
        orders.reverse()
        added = await some(tasks, *orders)
        assert [task.id for task in added] == [order.id for order in orders]
        assert [task.payload["n"] for task in added] == [*reversed(range(300))]

    async def test_nothing_ordered_is_nothing_added(self, tasks: TaskStore) -> None:
        assert list(await tasks.add([])) == []
        assert list(await tasks.list(TaskQuery())) == []

    async def test_an_id_added_again_is_the_one_that_is_there(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        """Also where the time that was asked for has passed meanwhile, and where it has ended."""
        order = Order(type="echo", run_at=place.now + SECOND)
        (first,) = await some(tasks, order)
        await place.move(timedelta(hours=1))
        assert list(await tasks.add([order, order])) == [first, first]
        assert await tasks.add([replace(order, type="other")]) == [first]
        done = await ended(tasks, first, Status.SUCCEEDED)
        assert list(await tasks.add([order])) == [done]
        twice = Order(type="echo")
        added = await some(tasks, twice, twice)
        assert added[0] == added[1]
        assert len(await tasks.list(TaskQuery())) == 2

    # Unique keys

    @pytest.mark.parametrize("how", sorted(FINISHED))
    async def test_an_unfinished_task_is_the_only_one_of_its_key(
        self, tasks: TaskStore, how: Status
    ) -> None:
        first = await one(tasks, unique_key="k", payload={"n": 1})
        assert await one(tasks, unique_key="k", payload={"n": 2}) == first
        running = await step(tasks, first, start)
        assert await one(tasks, unique_key="k") == running, "as it is now"
        other = await one(tasks, type="other", unique_key="k")
        assert other.id != first.id, "a key is one of its type"
        if how is Status.CANCELLED:
            await step(tasks, first, lambda t, at: t.cancelled(at).stopped(at, t.fence))
        elif how is Status.DEAD:
            await step(tasks, first, die)
        else:
            await step(tasks, first, lambda t, at: t.succeeded(at, t.fence, None))
        second = await one(tasks, unique_key="k")
        assert second.id != first.id
        assert await one(tasks, unique_key="k") == second

    async def test_keys_are_compared_as_they_are(self, tasks: TaskStore) -> None:
        keys = ["k", "K", "k ", "é", "e\u0301", None, None]
        added = [await one(tasks, unique_key=key) for key in keys]
        assert len({task.id for task in added}) == len(keys)

    async def test_two_of_a_key_in_one_call_are_one(self, tasks: TaskStore) -> None:
        orders = [Order(type="echo", unique_key="k") for _ in range(3)]
        added = await some(tasks, *orders, Order(type="echo"))
        assert added[0] == added[1] == added[2]
        assert len(await tasks.list(TaskQuery())) == 2

    async def test_many_who_add_one_key_at_once_get_one_task(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        both = [tasks, await place.open()] if self.traits.shared else [tasks]
        added = await asyncio.gather(
            *(one(both[n % len(both)], unique_key="k", payload={"n": n}) for n in range(30))
        )
        assert len({task.id for task in added}) == 1
        assert len(await tasks.list(TaskQuery())) == 1

    async def test_a_step_that_would_make_two_unfinished_of_a_key_is_refused(
        self, tasks: TaskStore
    ) -> None:
        dead = await ended(tasks, await one(tasks, unique_key="k"), Status.DEAD)
        twin, other = await some(
            tasks, Order(type="echo", unique_key="k"), Order(type="echo", unique_key="l")
        )
        outcomes = await tasks.write(
            {dead.id: lambda t, at: t.retried(at), other.id: lambda t, at: t.cancelled(at)}
        )
        assert isinstance(outcomes[dead.id], Conflict)
        assert outcomes[dead.id].code == "task_state"  # type: ignore[union-attr]
        assert await stored(tasks, dead) == dead
        assert isinstance(outcomes[other.id], Task), "that is no reason to refuse another"
        await ended(tasks, twin, Status.SUCCEEDED)
        again = await step(tasks, dead, lambda t, at: t.retried(at))
        assert await one(tasks, unique_key="k") == again

    # Reading

    async def test_what_is_not_there_is_left_out(self, tasks: TaskStore) -> None:
        there = await one(tasks)
        assert await tasks.get([new_id(), there.id, there.id]) == {there.id: there}
        assert await tasks.get([new_id()]) == {}
        assert await tasks.get([]) == {}

    async def test_any_number_of_ids_is_one_call(self, tasks: TaskStore) -> None:
        added = await some(tasks, *(Order(type="echo", payload={"n": n}) for n in range(1_200)))
        asked = {task.id for task in added} | {new_id() for _ in range(1_000)}
        assert await tasks.get(asked) == {task.id: task for task in added}

    async def test_lists_have_the_newest_first(self, tasks: TaskStore) -> None:
        added = await some(tasks, *(Order(type="echo") for _ in range(7)))
        added.reverse()
        assert list(await tasks.list(TaskQuery())) == added
        assert list(await tasks.list(TaskQuery(limit=3))) == added[:3]
        assert list(await tasks.list(TaskQuery(limit=3, after=added[2].id))) == added[3:6]
        assert list(await tasks.list(TaskQuery(after=added[6].id))) == []
        between = UUID(int=added[4].id.int + 1)
        assert list(await tasks.list(TaskQuery(after=between))) == added[4:], "gone is no matter"

    async def test_lists_are_narrowed_by_status_and_type(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        added = await some(
            tasks, *(Order(type=("a", "b")[n % 2]) for n in range(2 * len(Status) + 1))
        )
        for task, how in zip(added, [s for s in Status for _ in range(2)], strict=False):
            if how in FINISHED:
                await ended(tasks, task, how)
            elif how is Status.RUNNING:
                await step(tasks, task, start)
            elif how is Status.QUEUED:
                await step(tasks, task, lambda t, at: t.queued(at, place.now, LEASE))
        rows = await tasks.get([task.id for task in added])
        newest = [rows[task.id] for task in reversed(added)]
        for status in (None, *Status):
            for type_ in (None, "a", "b", "c"):
                for after in (None, newest[4].id):
                    query = TaskQuery(status=status, type=type_, limit=2, after=after)
                    expected = [task for task in newest if query.matches(task)][:2]
                    assert list(await tasks.list(query)) == expected
