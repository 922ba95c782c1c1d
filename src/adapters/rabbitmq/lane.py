"""One lane of a queue, taken from by a connection of its own."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.adapters.rabbitmq.connection import PREPARE_MAX, RabbitConnection, Turned
from profilecore.adapters.rabbitmq.errors import translated
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.errors import Unavailable

CONSUME_MAX: Final = 90.0
MISSING_MAX: Final = 5.0
_CONSUMER: Final = "profilecore"

# The channel that it came by, what is said of it, and its properties.
Arrived = Callable[[Channel, Any, Any], object]


class Lane:
    """Gives each message of the lane `name` to `arrived`, at most `prefetch` unsettled ones.

    A quorum queue without a leader, as may be for a minute after a crash, does not answer whoever
    wants to consume, and RabbitMQ ends the whole connection for that: at once, or after a minute.
    Therefore no two lanes share one. Whoever gives up before that gets nothing sooner: once there
    is a leader, messages are sent to each who has asked, and that counts as a delivery.

    Once there has been no consumer for `MISSING_MAX` seconds `turned` is told, and `ping` fails.
    """

    def __init__(
        self,
        address: RabbitAddress,
        topology: Topology,
        name: str,
        prefetch: int,
        *,
        arrived: Arrived,
        lost: Callable[[], object],
        turned: Turned,
    ) -> None:
        self._topology = topology
        self._name = name
        self._prefetch = prefetch
        self._arrived = arrived
        self._on_lost = lost
        self._turned = turned
        self._missing = f"gives nothing of {name}: that queue may have no leader."
        self._wanted = False
        self._is_missing = False
        self._patience: asyncio.TimerHandle | None = None
        self._channel: Channel | None = None
        self._connection = RabbitConnection(
            address, self._prepare, turned=turned, prepare_max=PREPARE_MAX + CONSUME_MAX
        )

    def begin(self) -> None:
        """Take from it from now on, or as soon as that can be."""
        self._wanted = True
        self._wait()
        self._connection.begin()

    def release(self) -> None:
        """Take no more; what has come can still be settled."""
        self._end()
        if self._channel is not None and not self._channel.lost.done():
            with translated():
                self._channel.amqp.basic_cancel(_CONSUMER)

    async def close(self) -> None:
        """End, within a bound."""
        self._end()
        await self._connection.close()

    async def ping(self) -> None:
        """Raise Unavailable where nothing has come, or could have, for too long."""
        if self._is_missing:
            raise Unavailable(f"RabbitMQ {self._missing}")

    async def _prepare(self, link: Link) -> Channel:
        channel = self._channel = await link.channel()
        channel.lost.add_done_callback(lambda _: self._lose())
        await self._topology.declare_dead(channel)
        await self._topology.declare(channel, self._name)
        # Of each consumer: a limit for the whole channel is not there any more in version 4.
        await channel.call(channel.amqp.basic_qos, prefetch_count=self._prefetch)
        if self._wanted:
            await self._consume(channel)
        return channel

    async def _consume(self, channel: Channel) -> None:
        def arrived(_: object, method: Any, properties: Any, __: bytes) -> None:
            self._arrived(channel, method, properties)

        channel.amqp.add_on_cancel_callback(lambda _: channel.close())
        await channel.call(
            partial(channel.amqp.basic_consume, self._name, arrived, consumer_tag=_CONSUMER),
            within=CONSUME_MAX,
        )
        self._stop_waiting()

    def _lose(self) -> None:
        self._on_lost()
        if self._wanted:
            self._wait()

    def _wait(self) -> None:
        if self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(MISSING_MAX, self._miss)

    def _miss(self) -> None:
        self._is_missing = True
        self._turned(self._connection.where, self._missing)

    def _stop_waiting(self) -> None:
        self._is_missing = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self) -> None:
        self._wanted = False
        self._stop_waiting()
