"""One process follows the ends of tasks for all who wait for one in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from profilecore.adapters.memory import MemoryEndings, MemoryTasks
from profilecore.errors import Unavailable
from profilecore.task import Status
from profilecore.tasks import TaskFeed
from profilecore.testing.task_samples import ended, one

INTERVAL = 0.01


class CountedEndings(MemoryEndings):
    """Counts the looks, and may be away."""

    looks = 0
    down = False

    async def position(self) -> int:
        self.looks += 1
        if self.down:
            raise Unavailable("It is away.")
        return await super().position()


@pytest.fixture
def tasks() -> MemoryTasks:
    return MemoryTasks()


@pytest.fixture
def endings(tasks: MemoryTasks) -> CountedEndings:
    return CountedEndings(tasks)


@pytest.fixture
async def feed(endings: CountedEndings) -> AsyncIterator[TaskFeed]:
    feed = TaskFeed(endings, interval=INTERVAL)
    following = asyncio.create_task(feed.follow())
    yield feed
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def test_whoever_waits_is_told(feed: TaskFeed, tasks: MemoryTasks) -> None:
    waiting = asyncio.create_task(feed.wait(0, 10))
    await asyncio.sleep(5 * INTERVAL)
    assert not waiting.done()
    await ended(tasks, await one(tasks), Status.SUCCEEDED)
    async with asyncio.timeout(5):
        await waiting
    assert feed.newest == await feed.position() == 1
    assert len(await feed.read(0, 10)) == 1


async def test_what_is_there_is_not_waited_for(feed: TaskFeed, tasks: MemoryTasks) -> None:
    await ended(tasks, await one(tasks), Status.DEAD)
    async with asyncio.timeout(5):
        await feed.wait(0, 60)
        await feed.wait(0, 60)


async def test_nobody_is_asked_while_nobody_waits(feed: TaskFeed, endings: CountedEndings) -> None:
    await asyncio.sleep(5 * INTERVAL)
    assert endings.looks == 0
    await feed.wait(0, 5 * INTERVAL)
    looks = endings.looks
    assert looks > 0
    await asyncio.sleep(5 * INTERVAL)
    assert endings.looks <= looks + 1


async def test_whoever_follows_need_not_wait(feed: TaskFeed, tasks: MemoryTasks) -> None:
    with feed.following():
        await ended(tasks, await one(tasks), Status.SUCCEEDED)
        async with asyncio.timeout(5):
            while feed.newest == 0:  # noqa: ASYNC110 - that nobody waits is the point
                await asyncio.sleep(INTERVAL)


async def test_many_who_wait_cost_no_more_than_one(feed: TaskFeed, endings: CountedEndings) -> None:
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(feed.wait(0, 10 * INTERVAL) for _ in range(100)))
    took = asyncio.get_running_loop().time() - began
    assert 0 < endings.looks <= took / INTERVAL + 2


async def test_one_that_leaves_takes_nobody_with_it(feed: TaskFeed, tasks: MemoryTasks) -> None:
    leaving, staying = (asyncio.create_task(feed.wait(0, 10)) for _ in range(2))
    await asyncio.sleep(2 * INTERVAL)
    leaving.cancel()
    await asyncio.sleep(2 * INTERVAL)
    await ended(tasks, await one(tasks), Status.SUCCEEDED)
    async with asyncio.timeout(5):
        await staying


async def test_an_outage_is_waited_out(
    feed: TaskFeed, tasks: MemoryTasks, endings: CountedEndings
) -> None:
    endings.down = True
    waiting = asyncio.create_task(feed.wait(0, 10))
    await ended(tasks, await one(tasks), Status.SUCCEEDED)
    await asyncio.sleep(5 * INTERVAL)
    assert not waiting.done()
    assert endings.looks > 0
    endings.down = False
    async with asyncio.timeout(5):
        await waiting


async def test_a_wait_is_bounded(feed: TaskFeed) -> None:
    async with asyncio.timeout(5):
        await feed.wait(0, 0.01)
