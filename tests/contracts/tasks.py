"""What every adapter of the ports Tasks and TaskUpkeep does."""

import asyncio
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

import pytest

from profilecore.errors import Conflict, Invalid, NotFound, ProfilecoreError
from profilecore.identifiers import new_id
from profilecore.order import CLOCKS_DIFFER, DELAY_MAX, PAYLOAD_MAX, Order
from profilecore.ports import Tasks
from profilecore.schedule import Claims, TaskQuery
from profilecore.task import FINISHED, Failure, Status, Step, Task
from tests.contracts.places import TasksPlace, TaskStore, Traits
from tests.contracts.samples import SECOND

LEASE: Final = 30 * SECOND
CLAIM: Final = 5 * SECOND
TICK: Final = timedelta(microseconds=1)

# Hard to keep: each of these is something that a kind of column, or of codec, makes another of.
KINDS: Final[list[Any]] = [
    None,
    True,
    False,
    0,
    -1,
    2**53 + 1,
    -(2**80),
    0.1,
    1.0,
    1e300,
    5e-324,
    "",
    "null",
    "NUL \0 and \u2028 \x7f",
    "Žofia 李 \U0001f600 e\u0301 \\ ' \" % _ \\u0000",
    [],
    {},
    [None, [[]], {"": {"a": [1, 2.5, "x", None]}}],
    {"b": 1, "a": {"ü \0": [True, {}]}},
]


async def one(tasks: Tasks, **asked: Any) -> Task:
    """A task that was ordered just now."""
    (task,) = await tasks.add([Order(**{"type": "echo"} | asked)])
    assert isinstance(task, Task)
    return task


async def some(tasks: Tasks, *orders: Order) -> list[Task]:
    added = [outcome for outcome in await tasks.add(orders) if isinstance(outcome, Task)]
    assert len(added) == len(orders)
    return added


async def stored(tasks: Tasks, task: Task) -> Task:
    return (await tasks.get([task.id]))[task.id]


async def step(tasks: Tasks, task: Task, take: Step) -> Task:
    """A step that must not be refused."""
    outcome = (await tasks.write({task.id: take}))[task.id]
    assert isinstance(outcome, Task), outcome
    return outcome


async def refused(tasks: Tasks, task: Task, take: Step) -> ProfilecoreError:
    outcome = (await tasks.write({task.id: take}))[task.id]
    assert isinstance(outcome, ProfilecoreError), outcome
    return outcome


def start(task: Task, at: datetime) -> Task:
    return task.started(at, LEASE)


def cancel(task: Task, at: datetime) -> Task:
    return task.cancelled(at)


def die(task: Task, at: datetime) -> Task:
    return task.failed(at, task.fence, "boom", final=True)


async def ended(tasks: Tasks, task: Task, how: Status) -> Task:
    """Bring a task that is due to an end."""
    if how is Status.CANCELLED:
        return await step(tasks, task, cancel)
    await step(tasks, task, start)
    if how is Status.DEAD:
        return await step(tasks, task, die)
    return await step(tasks, task, lambda t, at: t.succeeded(at, t.fence, None))


async def brought(tasks: Tasks, task: Task, status: Status) -> Task:
    """Bring a task that is due to a state, with as much in it as can be."""
    if status in (Status.SCHEDULED, Status.CANCELLED):
        await step(tasks, task, start)
        task = await step(tasks, task, lambda t, at: t.failed(at, t.fence, "secret"))
        return task if status is Status.SCHEDULED else await step(tasks, task, cancel)
    if status is Status.QUEUED:
        (claim,) = (await tasks.claim(1, CLAIM)).claims
        return await step(tasks, task, lambda t, at: t.queued(at, claim.due_at, LEASE))
    await step(tasks, task, start)
    if status is Status.RUNNING:
        return await step(tasks, task, cancel)
    if status is Status.DEAD:
        return await step(tasks, task, lambda t, at: t.failed(at, t.fence, "secret", final=True))
    return await step(tasks, task, lambda t, at: t.succeeded(at, t.fence, {"of": "secret"}))


async def mentioned(tasks: TaskStore, word: str) -> list[UUID]:
    """All that mention a word, in the order in which they come."""
    found, after = list[UUID](), UUID(int=0)
    while True:
        mentions = await tasks.mentions(word, after)
        found += mentions.ids
        if mentions.last is None:
            return found
        after = mentions.last


def as_json(value: Any) -> str:
    """Tells 1 from 1.0 and from True, which are equal."""
    return json.dumps(value, sort_keys=True)


def ids(claims: Claims) -> list[UUID]:
    return [claim.id for claim in claims.claims]


def unseen(task: Task) -> Task:
    """A task without what a claim may change."""
    return replace(task, due_at=None, revision=0)


class TasksContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def tasks(self, place: TasksPlace) -> TaskStore:
        return await place.open()

    # Adding

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

    # Steps

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

    # Claiming

    async def test_a_task_is_claimed_when_it_is_due_and_not_before(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        task = await one(tasks, delay=10 * SECOND, priority=3, trace={"x-request-id": "1"})
        await place.move(10 * SECOND - TICK)
        assert await tasks.claim(10, CLAIM) == Claims((), TICK)
        assert await stored(tasks, task) == task
        await place.move(TICK)
        (claim,) = (await tasks.claim(10, CLAIM)).claims
        assert (claim.id, claim.type, claim.status) == (task.id, "echo", Status.SCHEDULED)
        assert (claim.priority, claim.fence, claim.due_at) == (3, 0, place.now + CLAIM)
        assert claim.trace == {"x-request-id": "1"}
        found = await stored(tasks, task)
        assert found.due_at == claim.due_at
        assert unseen(found) == unseen(task), "nothing else has changed"

    async def test_nobody_else_gets_a_claimed_task_until_the_lease_ends(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        task = await one(tasks)
        others = [tasks, await place.open()] if self.traits.shared else [tasks]
        assert ids(await tasks.claim(1, CLAIM)) == [task.id]
        for by in (timedelta(0), CLAIM - TICK):
            await place.move(by)
            for other in others:
                assert ids(await other.claim(10, CLAIM)) == []
        await place.move(TICK)
        assert ids(await others[-1].claim(10, CLAIM)) == [task.id]
        assert ids(await tasks.claim(10, CLAIM)) == []

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
    async def test_one_whose_holder_was_lost_comes_back_with_its_status_and_fence(
        self, tasks: TaskStore, place: TasksPlace, status: Status
    ) -> None:
        task = await one(tasks)
        if status is Status.RUNNING:
            await step(tasks, task, start)
            await step(tasks, task, lambda t, at: t.handed_back(at, t.fence))
            await step(tasks, task, start)
        else:
            (claim,) = (await tasks.claim(1, CLAIM)).claims
            await step(tasks, task, lambda t, at: t.queued(at, claim.due_at, LEASE))
        await place.move(LEASE - TICK)
        assert ids(await tasks.claim(10, CLAIM)) == []
        await place.move(TICK)
        (claim,) = (await tasks.claim(10, CLAIM)).claims
        fence = 2 if status is Status.RUNNING else 0
        assert (claim.id, claim.status, claim.fence) == (task.id, status, fence)

    @pytest.mark.parametrize("how", sorted(FINISHED))
    async def test_one_that_has_ended_is_never_due(
        self, tasks: TaskStore, place: TasksPlace, how: Status
    ) -> None:
        await ended(tasks, await one(tasks), how)
        await place.move(timedelta(days=400))
        assert await tasks.claim(10, CLAIM) == Claims((), None)

    async def test_the_most_urgent_come_first_then_the_longest_due(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        wanted = [(0, 4), (5, 3), (0, 1), (9, 5), (5, 2), (0, 3)]
        added = await some(
            tasks, *(Order(type="echo", priority=p, delay=d * SECOND) for p, d in wanted)
        )
        await place.move(5 * SECOND)
        expected = [t.id for t in sorted(added, key=lambda task: (-task.priority, task.run_at))]
        came: list[UUID] = []
        for limit, number in ((1, 1), (2, 2), (10, 3), (10, 0)):
            claimed = ids(await tasks.claim(limit, CLAIM))
            assert len(claimed) == number
            came += claimed
        assert came == expected

    async def test_a_claim_tells_how_long_it_is_until_the_next_is_due(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        assert await tasks.claim(10, CLAIM) == Claims((), None)
        await one(tasks, delay=3 * SECOND + TICK)
        await one(tasks, delay=4 * SECOND, priority=9)
        assert await tasks.claim(10, CLAIM) == Claims((), 3 * SECOND + TICK)
        await some(tasks, Order(type="echo"), Order(type="echo"))
        assert (await tasks.claim(1, CLAIM)).next_in == timedelta(0), "another one is due"
        assert (await tasks.claim(1, CLAIM)).next_in == 3 * SECOND + TICK
        await place.move(4 * SECOND)
        claims = await tasks.claim(10, 10 * SECOND)
        assert len(claims.claims) == 2
        assert claims.next_in == SECOND, "when the two leases from before end"

    async def test_many_who_claim_at_once_share_the_tasks(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        both = [tasks, await place.open()] if self.traits.shared else [tasks]
        added = await some(tasks, *(Order(type="echo") for _ in range(200)))
        came: list[UUID] = []

        async def claim(tasks: Tasks) -> None:
            for _ in range(50):
                claims = await tasks.claim(7, CLAIM)
                came.extend(ids(claims))
                if not claims.claims and claims.next_in != timedelta(0):
                    return

        await asyncio.gather(*(claim(both[n % len(both)]) for n in range(8)))
        assert sorted(came) == sorted(task.id for task in added)

    async def test_a_claim_and_a_step_at_once_leave_both(self, tasks: TaskStore) -> None:
        for _ in range(10):
            task = await one(tasks)
            claims, outcomes = await asyncio.gather(
                tasks.claim(10, CLAIM), tasks.write({task.id: start})
            )
            found = await stored(tasks, task)
            assert outcomes[task.id] == found or ids(claims) == [task.id]
            assert found.status is Status.RUNNING
            assert found.due_at == found.updated_at + LEASE

    # Upkeep

    async def test_the_backlog_is_what_has_not_ended(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        empty = await tasks.backlog()
        assert sum(empty.counts.values()) == 0
        assert empty.oldest_due == timedelta(0)
        running, waiting, *done = await some(tasks, *(Order(type="echo") for _ in range(5)))
        await one(tasks, delay=timedelta(days=1))
        await step(tasks, running, start)
        for task, how in zip(done, sorted(FINISHED), strict=True):
            await ended(tasks, task, how)
        await place.move(7 * SECOND)
        await one(tasks)
        (claim, _) = (await tasks.claim(2, CLAIM)).claims
        assert claim.id == waiting.id
        await step(tasks, waiting, lambda t, at: t.queued(at, claim.due_at, LEASE))
        backlog = await tasks.backlog()
        counts = {status: number for status, number in backlog.counts.items() if number}
        assert counts == {Status.SCHEDULED: 2, Status.QUEUED: 1, Status.RUNNING: 1}
        assert backlog.oldest_due == 7 * SECOND, "until it starts"
        await step(tasks, waiting, start)
        assert (await tasks.backlog()).oldest_due == timedelta(0)

    async def test_those_that_ended_long_ago_are_forgotten(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        old = [await ended(tasks, await one(tasks), how) for how in sorted(FINISHED)]
        kept = [await one(tasks), await step(tasks, await one(tasks), start)]
        await place.move(TICK)
        kept.append(await ended(tasks, await one(tasks), Status.SUCCEEDED))
        await place.move(timedelta(days=1))
        assert await tasks.purge(timedelta(days=1)) == len(old)
        assert await tasks.purge(timedelta(days=1)) == 0
        assert await tasks.get([t.id for t in (*old, *kept)]) == {task.id: task for task in kept}
        assert list(await tasks.list(TaskQuery())) == sorted(kept, key=lambda t: t.id, reverse=True)
        assert isinstance(await refused(tasks, old[0], cancel), NotFound)

    async def test_any_number_is_forgotten_in_one_call(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        added = await some(tasks, *(Order(type="echo") for _ in range(1_500)))
        await tasks.write({task.id: cancel for task in added})
        await place.move(SECOND)
        assert await tasks.purge(timedelta(0)) == 1_500

    # Taking away what tasks say

    async def test_tasks_that_mention_a_word_are_found_wherever_it_is(
        self, tasks: TaskStore
    ) -> None:
        word, other = str(new_id()), str(new_id())
        told = await some(
            tasks,
            Order(type="a", payload={"profile_id": word}),
            Order(type="b", payload={"kinds": KINDS, "deep": [{"x": [f"see /{word}/1"]}]}),
            Order(type="c", payload={word: None}),
            Order(type="d", payload={"profile_id": word.upper(), "ü": "Ü"}),
        )
        await some(
            tasks,
            Order(type="a"),
            Order(type="a", payload={"profile_id": other}),
            Order(type="a", payload={"profile_id": word[:-1]}),
            Order(type="a", unique_key=word, trace={"request_id": word}),
        )
        assert await mentioned(tasks, word) == [task.id for task in told]
        assert await mentioned(tasks, other.replace("-", "_")) == []
        assert (await tasks.mentions(word, told[1].id)).ids == tuple(t.id for t in told[2:])

    async def test_any_number_of_tasks_is_looked_through(self, tasks: TaskStore) -> None:
        word = str(new_id())
        orders = [
            Order(type="echo", payload={"id": word} if n % 400 == 0 else {}) for n in range(1_500)
        ]
        added = await some(tasks, *orders)
        assert await mentioned(tasks, word) == [task.id for task in added if task.payload]
        assert await mentioned(tasks, str(new_id())) == []

    @pytest.mark.parametrize("status", sorted(Status))
    async def test_of_a_task_that_is_blanked_nothing_is_left_but_that_it_was(
        self, tasks: TaskStore, place: TasksPlace, status: Status
    ) -> None:
        asked = {"payload": {"name": "Secret"}, "unique_key": "secret", "trace": {"a": "secret"}}
        before = await brought(tasks, await one(tasks, **asked), status)
        other = await one(tasks, payload={"name": "Other"})
        await place.move(SECOND)
        await tasks.blank([before.id, new_id()], {"id": "x"})
        found = await stored(tasks, before)
        assert found == before.blanked(place.now, {"id": "x"})
        assert "ecret" not in repr(found)
        assert (found.payload, found.result, found.errors) == ({"id": "x"}, None, ())
        assert (found.unique_key, found.trace, found.due_at) == (None, {}, None)
        assert found.status is (
            Status.SUCCEEDED if status is Status.SUCCEEDED else Status.CANCELLED
        )
        assert found.updated_at == (before.updated_at if before.finished else place.now)
        assert await stored(tasks, other) == other
        await tasks.blank([before.id], {"id": "x"})
        assert await stored(tasks, before) == found, "a second time changes nothing"
        assert ids(await tasks.claim(10, CLAIM)) == [other.id]

    async def test_whoever_runs_a_task_that_is_blanked_notes_nothing_any_more(
        self, tasks: TaskStore, place: TasksPlace
    ) -> None:
        """Neither the process that has it in hand, nor one whose message for it is late."""
        other = await place.open() if self.traits.shared else tasks
        running = await step(tasks, await one(tasks), start)
        await step(tasks, running, lambda t, at: t.renewed(at, t.fence, LEASE))
        waiting = await one(tasks)
        await other.blank([running.id, waiting.id], {})
        late: list[tuple[Task, Step]] = [
            (running, lambda t, at: t.succeeded(at, running.fence, {"name": "Secret"})),
            (running, lambda t, at: t.failed(at, running.fence, "Secret")),
            (running, lambda t, at: t.renewed(at, running.fence, LEASE, 0.5)),
            (running, lambda t, at: t.retried(at)),
            (waiting, start),
        ]
        for task, take in late:
            refusal = await refused(tasks, task, take)
            assert (refusal.code, (await stored(tasks, task)).result) == ("task_state", None)

    async def test_the_key_of_a_blanked_task_is_free(self, tasks: TaskStore) -> None:
        first = await one(tasks, unique_key="k")
        await tasks.blank([first.id], {})
        second = await one(tasks, unique_key="k")
        assert second.id != first.id

    # Places

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
