"""Events for whoever listens: a topic exchange on a RabbitMQ."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pika.exchange_type import ExchangeType

from profilecore.adapters.codec import encode_event
from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel, persistent
from profilecore.adapters.rabbitmq.connection import RabbitConnection, Turned
from profilecore.adapters.rabbitmq.link import Link
from profilecore.event import Event

EXCHANGE: Final = "profile.events"
PUBLISH_MAX: Final = 5.0


class RabbitPublisher:
    """The Publisher port: the routing key is the event's type, the message id its position.

    Nobody may listen: then a message is gone, and that is no failure. `publish` ends within
    `PUBLISH_MAX` seconds.
    """

    def __init__(
        self,
        address: RabbitAddress,
        *,
        exchange: str = EXCHANGE,
        turned: Turned = lambda where, what: None,
    ) -> None:
        self._exchange = exchange
        self._connection = RabbitConnection(address, self._prepare, turned=turned)

    async def open(self) -> None:
        """Begin; a RabbitMQ that is away is no failure, and is used once it comes."""
        await self._connection.open()

    async def close(self) -> None:
        """End."""
        await self._connection.close()

    async def ping(self) -> None:
        """Raise Unavailable where RabbitMQ cannot be used."""
        await self._connection.ping()

    async def publish(self, events: Sequence[Event]) -> None:
        _, channel = self._connection.current()
        sent = [self._send(channel, event) for event in events]
        await channel.confirmed(*sent, within=PUBLISH_MAX)

    def _send(self, channel: Channel, event: Event) -> "asyncio.Future[None]":
        properties = persistent(
            message_id=str(event.position),
            type=event.type,
            content_type="application/json",
        )
        body = encode_event(event)
        return channel.publish(self._exchange, event.type, body, properties, mandatory=False)

    async def _prepare(self, link: Link) -> Channel:
        channel = await link.channel(confirms=True)
        await channel.call(
            channel.amqp.exchange_declare,
            exchange=self._exchange,
            exchange_type=ExchangeType.topic,
            durable=True,
        )
        return channel
