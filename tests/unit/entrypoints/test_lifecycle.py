"""Where a process stands, and how long clients are waited for."""

import asyncio

import pytest

from profilecore.entrypoints.lifecycle import Lifecycle


async def test_starts_neither_started_nor_draining() -> None:
    lifecycle = Lifecycle()
    assert not lifecycle.started
    assert not lifecycle.draining


async def test_drained_returns_at_the_drain() -> None:
    lifecycle = Lifecycle()
    waiter = asyncio.create_task(lifecycle.drained())
    await asyncio.sleep(0)
    assert not waiter.done()
    lifecycle.drain()
    await waiter
    assert lifecycle.draining
    await lifecycle.drained()


async def test_a_wait_ends_in_time() -> None:
    with pytest.raises(TimeoutError):
        async with Lifecycle().waiting(0.01):
            await asyncio.sleep(60)


async def test_a_wait_that_is_over_is_forgotten() -> None:
    lifecycle = Lifecycle(grace=0)
    async with lifecycle.waiting(60):
        pass
    lifecycle.drain()
    await asyncio.sleep(0.01)


async def test_the_drain_cuts_a_wait_short() -> None:
    lifecycle = Lifecycle(grace=0.01)

    async def wait() -> None:
        async with lifecycle.waiting(60):
            await asyncio.sleep(60)

    waiters = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    lifecycle.drain()
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError] * 3


async def test_a_wait_that_begins_while_draining_is_short() -> None:
    lifecycle = Lifecycle(grace=0.01)
    lifecycle.drain()
    with pytest.raises(TimeoutError):
        async with lifecycle.waiting(60):
            await asyncio.sleep(60)


async def test_the_drain_makes_no_wait_longer() -> None:
    lifecycle = Lifecycle(grace=60)
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(0.01, lifecycle.drain)
    with pytest.raises(TimeoutError):
        async with lifecycle.waiting(0.05):
            await asyncio.sleep(60)
    assert loop.time() - began < 30


async def test_two_drains_are_one() -> None:
    lifecycle = Lifecycle(grace=60)
    lifecycle.drain()
    lifecycle.drain()
    assert lifecycle.draining
