"""The queue in memory, beyond its contract."""

import asyncio

from profilecore.adapters.memory import MemoryQueue
from profilecore.identifiers import new_id
from profilecore.ports import Due


async def test_what_was_buried_can_be_looked_at() -> None:
    queue, task = MemoryQueue(), new_id()
    await queue.put(Due(task))
    lease = await queue.take(0)
    assert lease is not None
    await queue.bury(lease)
    await queue.bury(lease)
    assert queue.buried == [task]


async def test_what_was_given_back_keeps_its_priority_and_goes_to_the_end_of_it() -> None:
    queue = MemoryQueue()
    low, first, second = new_id(), new_id(), new_id()
    for task, priority in ((low, 1), (first, 2), (second, 2)):
        await queue.put(Due(task, priority=priority))
    lease = await queue.take(0)
    assert lease is not None
    assert lease.task_id == first
    await queue.retry(lease)
    came = [await queue.take(0) for _ in range(3)]
    assert [(c.task_id, c.delivery) for c in came if c] == [(second, 1), (first, 2), (low, 1)]


async def test_a_cancelled_taker_passes_its_turn_on() -> None:
    """Cancelled after it was woken, and before it ran: the other one is woken in its place."""
    queue, task = MemoryQueue(), new_id()
    first = asyncio.create_task(queue.take(60))
    second = asyncio.create_task(queue.take(60))
    await asyncio.sleep(0.01)
    await queue.put(Due(task))
    first.cancel()
    async with asyncio.timeout(1):
        lease = await second
    assert lease is not None
    assert lease.task_id == task
    assert first.cancelled()
