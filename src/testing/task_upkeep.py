"""The backlog of tasks, forgetting them, and what is blanked: a part of TasksContract."""

from datetime import timedelta

import pytest

from profilecore.errors import NotFound
from profilecore.identifiers import new_id
from profilecore.order import Order
from profilecore.schedule import TaskQuery
from profilecore.task import FINISHED, Status, Step, Task
from profilecore.testing.places import TasksPlace, TaskStore
from profilecore.testing.samples import SECOND
from profilecore.testing.task_samples import (
    CLAIM,
    KINDS,
    LEASE,
    TICK,
    brought,
    cancel,
    ended,
    ids,
    mentioned,
    one,
    refused,
    some,
    start,
    step,
    stored,
)
from profilecore.testing.task_store import TaskStoreContract


class TaskUpkeepContract(TaskStoreContract):
    """A part of TasksContract: the backlog, forgetting, and what is blanked."""

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
