"""What cannot be done is set aside where an operator finds it, and that this works is proven."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pika
import pytest

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.deadletters import prove
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import DELIVERY_LIMIT, Topology
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.ports import Due
from tests.integration.rabbitmq.ways import NEVER, fails, opened, put, taken, works
from tests.support.rabbitmq import RabbitProcess


async def link_to(server: RabbitProcess) -> Link:
    ((host, port),) = server.address.hosts
    return await Link.open(RabbitAddress().parameters(host, port), lambda what: None)


async def test_what_is_buried_is_found_among_the_dead(server: RabbitProcess, prefix: str) -> None:
    task = new_id()
    async with opened(server.address, prefix=prefix) as queue:
        await queue.put(Due(task, priority=1, headers={"request_id": "r-1"}))
        await queue.bury(await taken(queue))
        ((method, properties, _),) = await asyncio.to_thread(server.pulled, f"{prefix}.dead", 1)
    assert properties.message_id == str(task)
    assert properties.headers["request_id"] == "r-1"
    assert properties.delivery_mode == 2
    assert method.routing_key == f"{prefix}.default.high"


async def test_what_comes_back_too_often_is_set_aside(server: RabbitProcess, prefix: str) -> None:
    async with opened(server.address, prefix=prefix) as queue:
        task = await put(queue)
        for delivery in range(1, DELIVERY_LIMIT + 2):
            lease = await taken(queue)
            assert lease.delivery == delivery
            await queue.retry(lease)
        assert await queue.take(NEVER) is None
        ((_, properties, _),) = await asyncio.to_thread(server.pulled, f"{prefix}.dead", 1)
    assert properties.message_id == str(task)


async def test_what_is_no_task_is_set_aside(server: RabbitProcess, prefix: str) -> None:
    strange: list[dict[str, Any]] = [{}, {"message_id": "nonsense"}]
    async with opened(server.address, prefix=prefix) as queue:
        task = await put(queue)
        with server.channel() as channel:
            for given in strange:
                properties = pika.BasicProperties(**given)
                channel.basic_publish("", f"{prefix}.default", b"?", properties)
        assert (await taken(queue)).task_id == task
        assert await queue.take(NEVER) is None
        assert len(await asyncio.to_thread(server.pulled, f"{prefix}.dead", 2)) == 2


async def test_that_they_are_kept_is_proven_and_leaves_nothing_behind(
    server: RabbitProcess, prefix: str
) -> None:
    topology = Topology(prefix)
    link = await link_to(server)
    await topology.declare_dead(await link.channel())
    assert await prove(link, topology)
    await link.close()
    assert server.pulled(topology.dead, 0) == []
    queues = await asyncio.to_thread(server.control, "list_queues", "name", "--no-table-headers")
    assert [name for name in queues.split() if name.startswith(f"{prefix}-probe")] == []


async def test_that_they_are_lost_is_said(
    server: RabbitProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Topology.arguments

    def wrong(self: Topology) -> Mapping[str, Any]:
        return {**right(self), "x-dead-letter-exchange": "nowhere"}

    monkeypatch.setattr("profilecore.adapters.rabbitmq.deadletters.PROBE_MAX", 0.5)
    monkeypatch.setattr("profilecore.adapters.rabbitmq.putting.PROVE_AGAIN", 0.2)
    monkeypatch.setattr(Topology, "arguments", wrong)
    turns: list[str] = []
    async with opened(
        server.address, takes=(), prefix=prefix, turned=lambda _, what: turns.append(what)
    ) as queue:
        error = await fails(queue.ping)
        assert "loses what is rejected" in error.detail
        monkeypatch.setattr(Topology, "arguments", right)
        await works(queue.ping)
    assert turns.count(error.detail) == 1


async def test_that_it_could_not_be_tried_is_no_verdict(server: RabbitProcess, prefix: str) -> None:
    topology = Topology(prefix)
    link = await link_to(server)
    with pytest.raises(Unavailable, match="has lost an exchange or a queue"):
        await prove(link, topology)  # nothing is declared
    link.blocked = "low on memory"
    await topology.declare_dead(await link.channel())
    proving = asyncio.create_task(prove(link, topology))
    await asyncio.sleep(0)
    await link.close()
    with pytest.raises(Unavailable):
        await proving


async def test_other_settings_are_refused_in_words(server: RabbitProcess, prefix: str) -> None:
    with server.channel() as channel:
        channel.exchange_declare(f"{prefix}.dead", "fanout", durable=True)
    async with opened(server.address, prefix=prefix) as queue:
        error = await fails(queue.ping)
        assert "with other settings" in error.detail
        with server.channel() as channel:
            channel.exchange_delete(f"{prefix}.dead")
        await works(queue.ping)


async def test_a_queue_with_other_settings_disturbs_no_other(
    server: RabbitProcess, prefix: str
) -> None:
    with server.channel() as channel:
        channel.queue_declare(f"{prefix}.old", durable=True)
    async with opened(server.address, prefix=prefix, takes=()) as queue:
        for _ in range(2):
            with pytest.raises(Unavailable, match="with other settings"):
                await put(queue, queue="old")
            await put(queue)
        with server.channel() as channel:
            channel.queue_delete(f"{prefix}.old")
        await put(queue, queue="old")
