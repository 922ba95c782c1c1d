"""Several calls of a group at once, to a database made of a function."""

import asyncio
from collections.abc import Sequence

from profilecore.adapters.postgres.group import WORTH_A_CALL, Group


class Calls:
    """The sizes of the calls that were sent, each answered when it is let go."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = asyncio.Event()

    async def send(self, jobs: Sequence[int]) -> Sequence[int]:
        self.sizes.append(len(jobs))
        await self.go.wait()
        return jobs


async def some(group: Group[int, int], number: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(group.send(n)) for n in range(number)]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_few_wait_for_the_call_before_them_and_many_do_not() -> None:
    calls = Calls()
    group = Group(calls.send, 5, at_once=3)
    tasks = await some(group, 1)
    tasks += await some(group, WORTH_A_CALL - 1)
    assert calls.sizes == [1]
    tasks += await some(group, 1)
    assert calls.sizes == [1, WORTH_A_CALL]
    calls.go.set()
    assert await asyncio.gather(*tasks) == [0, *range(WORTH_A_CALL - 1), 0]


async def test_there_are_never_more_calls_than_may_be() -> None:
    calls = Calls()
    group = Group(calls.send, 5, at_once=3)
    tasks = [task for _ in range(5) for task in await some(group, WORTH_A_CALL)]
    assert calls.sizes == [WORTH_A_CALL] * 3
    calls.go.set()
    await asyncio.gather(*tasks)
    assert calls.sizes == [*[WORTH_A_CALL] * 3, 2 * WORTH_A_CALL]


async def test_close_waits_for_all_of_them() -> None:
    calls = Calls()
    group = Group(calls.send, 5, at_once=2)
    tasks = await some(group, WORTH_A_CALL) + await some(group, WORTH_A_CALL)
    closing = asyncio.create_task(group.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    calls.go.set()
    await closing
    assert all(task.done() for task in tasks)


async def test_one_that_is_cancelled_keeps_nobody_from_closing() -> None:
    calls = Calls()
    group = Group(calls.send, 5)
    (task,) = await some(group, 1)
    (sender,) = asyncio.all_tasks() - {task, asyncio.current_task()}
    sender.cancel()
    await asyncio.wait({sender})
    closing = asyncio.create_task(group.close())
    await asyncio.sleep(0)
    assert closing.done()
    task.cancel()
