"""RabbitMQ away, killed, silent, cut off: nothing that was put is lost, the way back automatic."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from profilecore.adapters.rabbitmq import RabbitQueue
from profilecore.errors import Unavailable
from tests.integration.rabbitmq.ways import (
    BACK_MAX,
    NEVER,
    fails,
    opened,
    put,
    taken,
    works,
)
from tests.support.campaign import rounds
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.rabbitmq import SETTLED, RabbitProcess


@pytest.mark.campaign
async def test_what_was_put_comes_though_the_broker_is_killed_under_load(tmp_path: Path) -> None:
    kept: set[UUID] = set()
    came: set[UUID] = set()
    stopped = asyncio.Event()
    before = 0

    async def load(queue: RabbitQueue) -> None:
        while not stopped.is_set():
            try:
                kept.add(await put(queue, priority=len(kept) % 2))
            except Unavailable:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.002)

    async def work(queue: RabbitQueue) -> None:
        while not (stopped.is_set() and came >= kept):
            lease = await queue.take(0.2)
            if lease is not None:
                await asyncio.sleep(0.005)
                await queue.ack(lease)
                came.add(lease.task_id)

    with RabbitProcess(tmp_path) as server:
        async with (
            opened(server.address) as queue,
            asyncio.timeout(90),
            asyncio.TaskGroup() as all_,
        ):
            for _ in range(8):
                all_.create_task(load(queue))
            for _ in range(4):
                all_.create_task(work(queue))
            for _ in range(rounds(1, 2)):
                await asyncio.sleep(SETTLED)
                before = len(kept)
                await asyncio.to_thread(server.restart)
                await works(queue.ping)
            await asyncio.sleep(0.7)
            stopped.set()
    assert len(kept) > before > 0
    assert came >= kept


async def test_a_broker_that_comes_later_is_used(tmp_path: Path) -> None:
    server = RabbitProcess(tmp_path)
    turns: list[tuple[str, str]] = []
    began = time.monotonic()
    async with opened(server.address, turned=lambda *turn: turns.append(turn)) as queue:
        assert time.monotonic() - began < 4
        with pytest.raises(Unavailable, match="cannot be reached"):
            await queue.ping()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await put(queue)
        assert await queue.take(0.1) is None
        where = f"127.0.0.1:{server.port}"
        assert set(turns) == {(where, "cannot be used: RabbitMQ cannot be reached.")}
        with server:
            await works(queue.ping)
            task = await put(queue)
            assert (await taken(queue)).task_id == task
            assert (where, "is connected") in turns


async def test_a_host_that_is_dead_is_passed_over(server: RabbitProcess, prefix: str) -> None:
    hosts = (("127.0.0.1", free_port()), ("nowhere.invalid", 5672), ("127.0.0.1", server.port))
    async with opened(replace(server.address, hosts=hosts), prefix=prefix) as queue:
        await works(queue.ping)
        task = await put(queue)
        assert (await taken(queue)).task_id == task


async def test_a_lease_of_a_lost_connection_is_ignored(server: RabbitProcess, prefix: str) -> None:
    async with Proxy(server.port) as proxy:
        address = replace(server.address, hosts=(("127.0.0.1", proxy.port),))
        async with opened(address, prefix=prefix) as queue:
            task, buffered = await put(queue), await put(queue)
            lease = await taken(queue)
            proxy.cut()
            await fails(queue.ping)
            assert await queue.take(NEVER) is None, "what was delivered is somebody else's now"
            proxy.heal()
            await works(queue.ping)
            for settled in (queue.ack, queue.retry, queue.bury):
                await settled(lease)
            leases = [await taken(queue), await taken(queue)]
            assert sorted(each.task_id for each in leases) == sorted([task, buffered])
            assert {each.delivery for each in leases} == {2}
            for each in leases:
                await queue.ack(each)
            assert await queue.take(NEVER) is None


async def test_a_silent_broker_is_waited_for_within_bounds(tmp_path: Path) -> None:
    with RabbitProcess(tmp_path) as server:
        queue = RabbitQueue(server.address)
        await queue.open()
        await put(queue)
        await asyncio.sleep(1)  # what is on its way is heard, and nothing after that
        server.pause()
        try:
            began = time.monotonic()
            with pytest.raises(Unavailable, match="in time") as late:
                await put(queue)
            assert late.value.code == "timeout"
            await fails(queue.ping, within=1.0)  # no heartbeat is missed as yet
            with pytest.raises(Unavailable):  # in time or not: its connection is given up just now
                await put(queue, queue="another")
            assert time.monotonic() - began < 10
            began = time.monotonic()
            await queue.close()
            assert time.monotonic() - began < 8
            began = time.monotonic()
            await queue.open()
            assert time.monotonic() - began < 8
        finally:
            server.resume()
        await works(queue.ping, BACK_MAX)
        await queue.close()


async def test_what_is_put_by_a_cancelled_caller_harms_nobody(
    server: RabbitProcess, prefix: str
) -> None:
    async with opened(server.address, prefix=prefix, takes=()) as queue:
        for turn in range(40):
            task = asyncio.create_task(put(queue))
            for _ in range(turn % 10):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.done()
        await put(queue)


async def test_an_adapter_that_only_puts_takes_nothing(server: RabbitProcess, prefix: str) -> None:
    async with opened(server.address, prefix=prefix, takes=()) as queue:
        await put(queue)
        assert await queue.take(NEVER) is None
