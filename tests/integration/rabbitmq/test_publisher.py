"""Events for whoever listens: all, in order, and again after a restart of the broker."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from profilecore.adapters.rabbitmq import RabbitPublisher
from profilecore.errors import Unavailable
from profilecore.event import Event, EventType
from profilecore.identifiers import new_id
from profilecore.ports import Publisher
from tests.integration.rabbitmq.ways import fails, works
from tests.support.rabbitmq import SETTLED, RabbitProcess

AT = datetime(2026, 11, 1, 12, 30, 0, 5, tzinfo=UTC)


def events(first: int, number: int, kind: EventType = EventType.UPDATED) -> list[Event]:
    return [
        Event(position, new_id(), kind, position, {"name": "Ada"}, AT, None)
        for position in range(first, first + number)
    ]


def listening(server: RabbitProcess, queue: str, key: str = "#") -> None:
    with server.channel() as channel:
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(queue, "profile.events", key)


def positions(messages: Sequence[Any]) -> list[int]:
    return [int(properties.message_id) for _, properties, _ in messages]


async def test_whoever_listens_gets_all_in_order(server: RabbitProcess, prefix: str) -> None:
    publisher = RabbitPublisher(server.address)
    port: Publisher = publisher
    await publisher.open()
    await publisher.ping()
    await port.publish([])
    await port.publish(events(1, 3))  # nobody listens, and that is no failure
    listening(server, f"{prefix}.all")
    listening(server, f"{prefix}.created", "profile.created")
    await port.publish(events(10, 300))
    (created,) = events(500, 1, EventType.CREATED)
    await port.publish([created])
    await publisher.close()
    found = server.pulled(f"{prefix}.all", 301)
    assert positions(found) == [*range(10, 310), 500]
    ((method, properties, body),) = server.pulled(f"{prefix}.created", 1)
    assert method.routing_key == properties.type == "profile.created"
    assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
    assert json.loads(body) == {
        "position": 500,
        "profile_id": str(created.profile_id),
        "type": "profile.created",
        "version": 500,
        "data": {"name": "Ada"},
        "at": "2026-11-01T12:30:00.000005Z",
        "actor": None,
    }


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    with RabbitProcess(tmp_path) as server:
        publisher = RabbitPublisher(server.address)
        await publisher.open()
        listening(server, "all")
        await publisher.publish(events(1, 50))
        await asyncio.sleep(SETTLED)
        server.kill()
        with pytest.raises(Unavailable):
            await publisher.publish(events(51, 50))
        await asyncio.to_thread(server.start)
        await works(lambda: publisher.publish(events(51, 50)))
        await publisher.close()
        assert positions(server.pulled("all", 100)) == list(range(1, 101))


async def test_a_publish_that_is_lost_half_way_fails(server: RabbitProcess) -> None:
    publisher = RabbitPublisher(server.address)
    await publisher.open()
    sending = asyncio.create_task(publisher.publish(events(1, 200)))
    await asyncio.sleep(0)
    link, _ = publisher._connection.current()
    await link.abort()
    with pytest.raises(Unavailable):
        await sending
    await works(lambda: publisher.publish(events(1, 200)))
    await publisher.close()


async def test_a_silent_broker_is_given_up(
    server: RabbitProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profilecore.adapters.rabbitmq.publisher.PUBLISH_MAX", 0.5)
    publisher = RabbitPublisher(server.address)
    await publisher.open()
    server.pause()
    try:
        with pytest.raises(Unavailable, match="in time"):
            await publisher.publish(events(1, 3))
        await fails(publisher.ping, within=1.0)  # no heartbeat is missed as yet
    finally:
        server.resume()
    await works(lambda: publisher.publish(events(1, 3)))
    await publisher.close()
