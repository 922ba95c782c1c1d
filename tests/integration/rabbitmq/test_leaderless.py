"""A quorum queue without a leader takes messages and consumers, and says no more about them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from profilecore.adapters.rabbitmq import lane as lanes
from profilecore.adapters.rabbitmq import putting
from profilecore.errors import Unavailable
from tests.integration.rabbitmq.ways import NEVER, fails, opened, put, taken, works
from tests.support.rabbitmq import RabbitProcess

# Its only member is not there, as where a start has left it out; or is there and does not answer.
GONE = (
    "ra:stop_server(quorum_queues, {Name, node()})",
    "ra:restart_server(quorum_queues, {Name, node()})",
)
SILENT = ("sys:suspend(Name)", "sys:resume(Name)")


@asynccontextmanager
async def leaderless(
    server: RabbitProcess, queue: str, how: tuple[str, str] = GONE
) -> AsyncIterator[None]:
    """Without a leader inside of this, and with it again behind."""

    def tell(what: str) -> None:
        server.control("eval", f"Name = '%2F_{queue}', {what}.")

    await asyncio.to_thread(tell, how[0])
    try:
        yield
    finally:
        await asyncio.to_thread(tell, how[1])


async def test_a_queue_that_does_not_confirm_is_given_nothing_for_a_while(
    server: RabbitProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putting, "CONFIRM_MAX", 1.0)
    async with opened(server.address, prefix=prefix) as queue:
        await put(queue)
        await queue.ack(await taken(queue))
        async with leaderless(server, f"{prefix}.default"):
            with pytest.raises(Unavailable, match="in time"):
                await put(queue)
            await works(queue.ping)  # it is connected, and that is not all
            began = time.monotonic()
            with pytest.raises(Unavailable, match="does not confirm"):
                await put(queue)
            assert time.monotonic() - began < 0.5, "nobody waits once more"
            await works(lambda: put(queue, priority=1))  # the other lane has its leader
        queue._putting._silent_until.clear()
        await works(lambda: put(queue))


@pytest.mark.parametrize("how", [GONE, SILENT])
async def test_a_lane_whose_leader_comes_late_is_taken_from_then(
    server: RabbitProcess, prefix: str, monkeypatch: pytest.MonkeyPatch, how: tuple[str, str]
) -> None:
    """Meanwhile the other one is, what is missing is said, and no message is counted as tried."""
    monkeypatch.setattr(lanes, "MISSING_MAX", 1.0)
    turns: list[str] = []
    lane = f"{prefix}.default"
    async with opened(server.address, prefix=prefix, takes=()) as other:
        waiting = await put(other)
    async with opened(
        server.address, prefix=prefix, turned=lambda _, what: turns.append(what)
    ) as queue:
        async with leaderless(server, lane, how):
            urgent = await put(queue, priority=1)
            held = await taken(queue)
            assert held.task_id == urgent
            error = await fails(queue.ping)
            assert (
                error.detail == f"RabbitMQ gives nothing of {lane}: that queue may have no leader."
            )
            assert await queue.take(NEVER) is None
            # The other lane has kept its connection.
            await queue.ack(held)
            second = await put(queue, priority=1)
            lease = await taken(queue)
            assert (lease.task_id, lease.delivery) == (second, 1)
            await queue.ack(lease)
        lease = await taken(queue)
        assert (lease.task_id, lease.delivery) == (waiting, 1)
        await queue.ack(lease)
        await queue.ping()
    assert turns.count(error.detail.removeprefix("RabbitMQ ")) == 1


async def test_a_lane_that_is_released_while_it_waits_takes_nothing(
    server: RabbitProcess, prefix: str
) -> None:
    async with (
        opened(server.address, prefix=prefix) as queue,
        opened(server.address, prefix=prefix) as other,
    ):
        await put(other)
        async with leaderless(server, f"{prefix}.default", SILENT):
            assert await queue.take(NEVER) is None
            queue.release()
        assert await queue.take(NEVER) is None
        await taken(other)


async def test_many_puts_into_a_lane_without_a_leader_hold_up_no_other(
    server: RabbitProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 32 of them RabbitMQ blocks the channel that they come by."""
    monkeypatch.setattr(putting, "CONFIRM_MAX", 1.0)
    monkeypatch.setattr(putting, "SILENT_FOR", 1.0)
    silent: list[str] = []
    over = asyncio.Event()

    async with opened(server.address, prefix=prefix, takes=()) as queue:

        async def into_the_silent() -> None:
            while not over.is_set():
                with pytest.raises(Unavailable) as failed:
                    await put(queue)
                silent.append(failed.value.detail)
                await asyncio.sleep(0.05)

        await put(queue)
        async with (
            leaderless(server, f"{prefix}.default", SILENT),
            asyncio.TaskGroup() as all_,
        ):
            for _ in range(60):
                all_.create_task(into_the_silent())
            began = time.monotonic()
            while time.monotonic() - began < 4:
                await put(queue, priority=1)  # none fails
                await asyncio.sleep(0.01)
            over.set()
        late = [detail for detail in silent if "in time" in detail]
        assert 60 < len(late) < 70, "after the first ones it is tried with one at a time"
        await works(lambda: put(queue))
        await put(queue)  # it is as it was before
