"""What the shared queue does not take goes into that of the process, and nothing else does."""

import pytest

from profilecore.adapters.fallback_queue import FallbackQueue
from profilecore.adapters.memory import MemoryQueue
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.ports import Due, Lease
from tests.unit.core.tasks.doubles import SwitchedQueue


class Pair:
    """A FallbackQueue and the two that it has."""

    def __init__(self) -> None:
        self.primary = SwitchedQueue()
        self.fallback = MemoryQueue()
        self.turned: list[int] = []
        self.queue = FallbackQueue(
            self.primary,
            self.fallback,
            ["default", "mail"],
            turned=lambda: self.turned.append(self.fallback.waiting),
        )


@pytest.fixture
def pair() -> Pair:
    return Pair()


async def taken(queue: FallbackQueue | MemoryQueue) -> Lease:
    lease = await queue.take(0)
    assert lease is not None
    return lease


async def test_all_goes_to_the_first_while_that_is_there(pair: Pair) -> None:
    due = Due(new_id(), "mail", 7, {"request_id": "r"})
    await pair.queue.put(due)
    assert pair.primary.came == [due]
    assert pair.fallback.waiting == 0
    assert pair.turned == []
    assert (await taken(pair.queue)).task_id == due.task_id


async def test_what_the_first_does_not_take_goes_to_the_other(pair: Pair) -> None:
    pair.primary.down = True
    low, high = Due(new_id()), Due(new_id(), priority=9)
    await pair.queue.put(low)
    await pair.queue.put(high)
    assert [(await taken(pair.fallback)).task_id for _ in range(2)] == [high.task_id, low.task_id]
    pair.primary.down = False
    await pair.queue.put(Due(new_id()))
    assert pair.turned == [1, 2], "each is told once it is there"
    assert pair.fallback.waiting == 0, "and the first is asked again each time"


async def test_what_is_for_others_is_left_to_them(pair: Pair) -> None:
    """A machine that does not serve a queue may not be able to do what is in it."""
    pair.primary.down = True
    with pytest.raises(Unavailable):
        await pair.queue.put(Due(new_id(), "printers"))
    assert pair.fallback.waiting == 0
    assert pair.turned == []
    await pair.queue.put(Due(new_id(), "mail"))
    assert pair.fallback.waiting == 1


async def test_one_that_is_refused_does_not_take_the_others_along(pair: Pair) -> None:
    refused, other = new_id(), new_id()
    pair.primary.refused.add(refused)
    await pair.queue.put(Due(refused))
    await pair.queue.put(Due(other))
    assert (await taken(pair.fallback)).task_id == refused
    assert (await taken(pair.queue)).task_id == other


async def test_nothing_is_taken_from_the_other(pair: Pair) -> None:
    """A worker of its own does that; a queue that is away says so."""
    pair.primary.down = True
    await pair.queue.put(Due(new_id()))
    with pytest.raises(Unavailable):
        await pair.queue.take(0)
    pair.primary.down = False
    assert await pair.queue.take(0) is None
    assert pair.fallback.waiting == 1


async def test_an_error_that_is_no_outage_is_not_hidden(pair: Pair) -> None:
    pair.primary.fault = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        await pair.queue.put(Due(new_id()))
    assert pair.fallback.waiting == 0


async def test_settling_is_the_first_one_s(pair: Pair) -> None:
    for _ in range(3):
        await pair.queue.put(Due(new_id()))
    done, back, set_aside = [await taken(pair.queue) for _ in range(3)]
    await pair.queue.ack(done)
    await pair.queue.retry(back)
    await pair.queue.bury(set_aside)
    again = await taken(pair.queue)
    assert (again.task_id, again.delivery) == (back.task_id, 2)
    pair.primary.deaf = True
    with pytest.raises(Unavailable):
        await pair.queue.ack(again)
