"""What every adapter of the Queue port does."""

import asyncio
import time
from uuid import UUID

import pytest

from profilecore.identifiers import new_id
from profilecore.ports import Due, Lease, Queue
from profilecore.testing.places import Place, Traits

SOON = 5.0  # how long a task that is there may take to come
NEVER = 0.15  # how long to wait for one that must not come


async def taken(queue: Queue) -> Lease:
    """A task that is there."""
    lease = await queue.take(SOON)
    assert lease is not None
    return lease


async def is_empty(queue: Queue) -> bool:
    return await queue.take(NEVER) is None


class QueueContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def queue(self, place: Place[Queue]) -> Queue:
        return await place.open()

    async def test_no_task_comes_from_an_empty_queue(self, queue: Queue) -> None:
        for timeout in (0.0, 0.1):
            began = time.monotonic()
            assert await queue.take(timeout) is None
            assert timeout - 0.02 <= time.monotonic() - began < timeout + 2

    async def test_a_task_is_taken_and_done(self, queue: Queue) -> None:
        task = new_id()
        await queue.put(Due(task))
        lease = await taken(queue)
        assert (lease.task_id, lease.delivery) == (task, 1)
        await queue.ack(lease)
        assert await is_empty(queue)

    async def test_a_task_that_is_there_needs_no_wait(self, queue: Queue) -> None:
        assert await is_empty(queue)  # from now on it is known that there is a taker
        await queue.put(Due(new_id()))
        await asyncio.sleep(0.5)
        assert await queue.take(0.05) is not None

    async def test_nobody_else_gets_a_task_that_is_held(self, queue: Queue) -> None:
        await queue.put(Due(new_id()))
        await taken(queue)
        assert await is_empty(queue)

    async def test_a_task_given_back_comes_again_and_counts(self, queue: Queue) -> None:
        task = new_id()
        await queue.put(Due(task))
        for delivery in (1, 2, 3, 4):
            lease = await taken(queue)
            assert (lease.task_id, lease.delivery) == (task, delivery)
            await queue.retry(lease)
        await queue.ack(await taken(queue))
        assert await is_empty(queue)

    async def test_a_buried_task_does_not_come_again(self, queue: Queue) -> None:
        buried, other = new_id(), new_id()
        await queue.put(Due(buried))
        await queue.bury(await taken(queue))
        await queue.put(Due(other))
        assert (await taken(queue)).task_id == other
        assert await is_empty(queue)

    @pytest.mark.parametrize("settled", ["ack", "retry", "bury"])
    @pytest.mark.parametrize("again", ["ack", "retry", "bury"])
    async def test_a_lease_is_settled_once(self, queue: Queue, settled: str, again: str) -> None:
        task = new_id()
        await queue.put(Due(task))
        lease = await taken(queue)
        await getattr(queue, settled)(lease)
        await getattr(queue, again)(lease)
        if settled == "retry":
            second = await taken(queue)
            assert (second.task_id, second.delivery) == (task, 2)
            await getattr(queue, again)(lease)
            await queue.ack(second)
        assert await is_empty(queue)

    async def test_an_id_put_twice_comes_twice(self, queue: Queue) -> None:
        task = new_id()
        await queue.put(Due(task))
        await queue.put(Due(task))
        leases = [await taken(queue), await taken(queue)]
        assert [lease.task_id for lease in leases] == [task, task]
        await queue.ack(leases[0])
        await queue.retry(leases[1])
        assert (await taken(queue)).task_id == task
        assert await is_empty(queue)

    async def test_higher_priorities_come_first_if_kept(self, queue: Queue) -> None:
        tasks = [(new_id(), priority) for priority in (0, 5, 1, 5, 0, 9, 1)]
        for task, priority in tasks:
            await queue.put(Due(task, priority=priority))
        came = [await taken(queue) for _ in tasks]
        by_id = dict(tasks)
        priorities = [by_id[lease.task_id] for lease in came]
        assert sorted(priorities) == sorted(by_id.values())
        if self.traits.prioritised:
            assert priorities == sorted(priorities, reverse=True)
        if self.traits.ordered and self.traits.prioritised:
            in_order = sorted(tasks, key=lambda task: -task[1])
            assert [lease.task_id for lease in came] == [task for task, _ in in_order]

    async def test_others_queues_are_left_alone_if_they_have_names(self, queue: Queue) -> None:
        await queue.put(Due(new_id(), queue="elsewhere"))
        assert await is_empty(queue) == self.traits.named
        mine = new_id()
        await queue.put(Due(mine))
        assert (await taken(queue)).task_id == mine

    async def test_what_travels_along_comes_as_it_was(self, queue: Queue) -> None:
        task, headers = new_id(), {"request_id": "ä-1", "traceparent": "0" * 300}
        await queue.put(Due(task, headers=headers))
        for _ in range(2):
            lease = await taken(queue)
            assert lease.task_id == task
            assert headers.items() <= lease.headers.items()
            await queue.retry(lease)

    async def test_first_come_first_served_if_ordered(self, queue: Queue) -> None:
        tasks = [new_id() for _ in range(30)]
        for task in tasks:
            await queue.put(Due(task, priority=3))
        came = [(await taken(queue)).task_id for _ in tasks]
        assert came == tasks if self.traits.ordered else sorted(came) == sorted(tasks)

    async def test_a_waiting_taker_gets_the_next_task_at_once(self, queue: Queue) -> None:
        waiting = asyncio.create_task(queue.take(20))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task = new_id()
        await queue.put(Due(task))
        lease = await waiting
        assert lease is not None
        assert lease.task_id == task
        assert time.monotonic() - began < 2

    async def test_many_takers_share_the_tasks(self, queue: Queue) -> None:
        came: list[UUID] = []

        async def work() -> None:
            while (lease := await queue.take(0.5)) is not None:
                came.append(lease.task_id)
                await queue.ack(lease)

        tasks = [new_id() for _ in range(200)]
        takers = [asyncio.create_task(work()) for _ in range(10)]
        await asyncio.gather(*(queue.put(Due(task)) for task in tasks))
        await asyncio.gather(*takers)
        assert sorted(came) == sorted(tasks)

    async def test_a_taker_that_is_cancelled_loses_nothing(self, queue: Queue) -> None:
        """Cancelled while it waits, also in the moment in which a task comes."""
        for pause in (False, True):
            takers = [asyncio.create_task(queue.take(20)) for _ in range(3)]
            await asyncio.sleep(0.05)
            tasks = [new_id() for _ in range(3)]
            for task in tasks:
                await queue.put(Due(task))
            if pause:
                await asyncio.sleep(0.05)
            takers[0].cancel()
            takers[2].cancel()
            results = await asyncio.gather(*takers, return_exceptions=True)
            came = [result for result in results if isinstance(result, Lease)]
            for lease in came:
                await queue.ack(lease)
            rest: list[Lease] = []
            while len(came) + len(rest) < len(tasks):
                rest.append(await taken(queue))
                await queue.ack(rest[-1])
            assert sorted(lease.task_id for lease in came + rest) == sorted(tasks)
            assert await is_empty(queue)

    async def test_what_was_put_outlives_the_adapter_if_durable(
        self, queue: Queue, place: Place[Queue]
    ) -> None:
        held, done, waiting = new_id(), new_id(), new_id()
        for task in (held, done):
            await queue.put(Due(task))
        leases = {lease.task_id: lease for lease in [await taken(queue), await taken(queue)]}
        await queue.ack(leases[done])
        await queue.put(Due(waiting))
        await place.close()
        again = await place.open()
        if self.traits.durable:
            came = {(await taken(again)).task_id, (await taken(again)).task_id}
            assert came == {held, waiting}
        assert await is_empty(again)

    async def test_another_adapter_on_the_place_takes_the_task_if_shared(
        self, queue: Queue, place: Place[Queue]
    ) -> None:
        other = await place.open()
        await queue.put(Due(new_id()))
        lease = await other.take(1.0)
        assert (lease is not None) == self.traits.shared
        assert await is_empty(queue) == self.traits.shared
