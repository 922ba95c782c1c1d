"""Two lanes a queue, and what is in the hands of one taker."""

import asyncio

import pytest

from profilecore.adapters.rabbitmq.channel import Channel, persistent
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.errors import Invalid, Unavailable
from profilecore.identifiers import new_id
from profilecore.ports import Due
from tests.integration.rabbitmq.ways import NEVER, SOON, fails, opened, put, taken, works
from tests.support.rabbitmq import RabbitProcess


async def test_a_high_priority_overtakes_a_backlog(server: RabbitProcess, prefix: str) -> None:
    async with opened(server.address, prefix=prefix, prefetch=5) as queue:
        await asyncio.gather(*(put(queue) for _ in range(100)))
        for _ in range(10):
            await queue.ack(await taken(queue))
        urgent = await put(queue, priority=1)
        await asyncio.sleep(0.5)
        assert (await taken(queue)).task_id == urgent


async def test_no_more_than_prefetch_is_held_and_others_get_the_rest(
    server: RabbitProcess, prefix: str
) -> None:
    async with (
        opened(server.address, prefix=prefix, prefetch=3) as queue,
        opened(server.address, prefix=prefix, prefetch=10) as other,
    ):
        tasks = {await put(queue) for _ in range(10)}
        held = [await taken(queue) for _ in range(3)]
        assert await queue.take(NEVER) is None
        rest = [await taken(other) for _ in range(7)]
        assert {lease.task_id for lease in held + rest} == tasks


async def test_an_adapter_takes_from_several_queues(server: RabbitProcess, prefix: str) -> None:
    async with (
        opened(server.address, prefix=prefix, takes=("mail", "default")) as queue,
        opened(server.address, prefix=prefix, takes=()) as putting,
    ):
        tasks = {await put(putting, queue=name) for name in ("mail", "default", "reports")}
        came = {(await taken(queue)).task_id for _ in range(2)}
        assert await queue.take(NEVER) is None
        async with opened(server.address, prefix=prefix, takes=("reports",)) as reports:
            came.add((await taken(reports)).task_id)
        assert came == tasks


async def test_what_no_queue_takes_is_said_and_the_queue_made_anew(
    server: RabbitProcess, prefix: str
) -> None:
    async with opened(server.address, prefix=prefix, takes=()) as queue:
        await put(queue)
        with server.channel() as channel:
            channel.queue_delete(f"{prefix}.default")
        with pytest.raises(Unavailable, match="has no queue") as lost:
            await put(queue)
        assert lost.value.code == "unroutable"
        task = await put(queue)
        ((_, properties, _),) = server.pulled(f"{prefix}.default", 1)
        assert properties.message_id == str(task)


async def test_a_queue_that_is_deleted_under_its_taker_is_made_anew(
    server: RabbitProcess, prefix: str
) -> None:
    lost = asyncio.Event()

    def turned(_: str, what: str) -> None:
        if what.startswith("is lost"):
            lost.set()

    async with opened(server.address, prefix=prefix, turned=turned) as queue:
        await put(queue)
        await queue.ack(await taken(queue))
        with server.channel() as channel:
            channel.queue_delete(f"{prefix}.default")
        async with asyncio.timeout(10):
            await lost.wait()
        await works(queue.ping)
        await works(lambda: put(queue))
        assert await queue.take(5) is not None


async def test_a_queue_that_somebody_is_making_is_not_put_to_as_yet(
    server: RabbitProcess, prefix: str
) -> None:
    """RabbitMQ says that a quorum queue is there, and then refuses what comes."""
    topology = Topology(prefix)
    link = await Link.open(server.address.parameters("127.0.0.1", server.port), lambda what: None)
    channels = [await link.channel(confirms=True) for _ in range(3)]

    async def put_into(lane: str, channel: Channel) -> None:
        await topology.declare(channel, lane)
        sent = channel.publish("", lane, b"", persistent(), mandatory=True)
        await channel.confirmed(sent, within=SOON)

    await topology.declare_dead(channels[0])
    for number in range(8):
        lane = topology.lane(f"made{number}", high=False)
        await asyncio.gather(*(put_into(lane, channel) for channel in channels))
    await link.close()


async def test_a_message_that_is_refused_is_said(server: RabbitProcess, prefix: str) -> None:
    """Not kept, because an operator has set a limit that is reached."""
    limit = ("set_policy", "--apply-to", "queues", prefix, rf"^{prefix}\.", '{"max-length":1}')
    await asyncio.to_thread(server.control, *limit)
    async with opened(server.address, prefix=prefix, takes=()) as queue:
        error = await fails(lambda: put(queue))
    assert error.detail == "RabbitMQ did not take a message."


async def test_what_cannot_be_carried_is_refused_and_harms_nobody(
    server: RabbitProcess, prefix: str
) -> None:
    async with opened(server.address, prefix=prefix) as queue:
        for due in (
            Due(new_id(), headers={"x" * 300: "1"}),
            Due(new_id(), queue="no such.name"),
            Due(new_id(), queue="dead"),
        ):
            with pytest.raises(Invalid):
                await queue.put(due)
        task = await put(queue)
        assert (await taken(queue)).task_id == task


async def test_what_is_released_is_anybody_elses_at_once(
    server: RabbitProcess, prefix: str
) -> None:
    """But what was taken stays with its taker, who can still settle it; nothing new comes."""
    async with (
        opened(server.address, prefix=prefix, prefetch=10) as queue,
        opened(server.address, prefix=prefix, prefetch=10) as other,
    ):
        tasks = {await put(queue) for _ in range(5)}
        held = await taken(queue)
        queue.release()
        came = [await taken(other) for _ in range(4)]
        assert {held.task_id, *(lease.task_id for lease in came)} == tasks
        late = await put(other)
        assert (await taken(other)).task_id == late
        assert await queue.take(NEVER) is None
        await queue.ack(held)
    async with opened(server.address, prefix=prefix) as after:
        again = [await taken(after) for _ in range(5)]
        assert held.task_id not in {lease.task_id for lease in again}
