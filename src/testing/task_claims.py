"""Who gets a task that is due: a part of TasksContract."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from profilecore.order import Order
from profilecore.ports import Tasks
from profilecore.schedule import Claims
from profilecore.task import FINISHED, Status
from profilecore.testing.places import TasksPlace, TaskStore
from profilecore.testing.samples import SECOND
from profilecore.testing.task_samples import (
    CLAIM,
    LEASE,
    TICK,
    ended,
    ids,
    one,
    some,
    start,
    step,
    stored,
    unseen,
)
from profilecore.testing.task_store import TaskStoreContract


class TaskClaimsContract(TaskStoreContract):
    """A part of TasksContract: who gets a task that is due."""

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
