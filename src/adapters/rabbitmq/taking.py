"""The half of a queue that takes: a connection of its own, which no alarm of memory stops."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple
from uuid import UUID

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.adapters.rabbitmq.connection import RabbitConnection, Turned
from profilecore.adapters.rabbitmq.errors import translated
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.ports import Lease

_DELIVERIES: Final = "x-delivery-count"


class _Message(NamedTuple):
    """What was delivered and waits to be taken; the smallest is taken first."""

    urgency: int
    turn: int
    task_id: UUID
    delivery: int
    channel: Channel
    tag: int


class Taking:
    """Takes from some queues; at most `prefetch` tasks of each lane are in its hands.

    RabbitMQ sends nothing before the first `take`. What a lost connection had brought is given to
    somebody else by RabbitMQ, and forgotten here.
    """

    def __init__(
        self,
        address: RabbitAddress,
        topology: Topology,
        queues: Sequence[str],
        prefetch: int,
        turned: Turned,
    ) -> None:
        self._topology = topology
        self._queues = queues
        self._lanes = [lane for queue in queues for lane in enumerate(topology.lanes(queue))]
        self._prefetch = prefetch
        self._turns = count()
        self._waiting: asyncio.PriorityQueue[_Message] = asyncio.PriorityQueue()
        self._held: set[_Message] = set()
        self._wanted = False
        self._released = False
        self._consumers: list[str] = []
        self._channel: Channel | None = None
        self.connection = RabbitConnection(address, self._prepare, lost=self._forget, turned=turned)

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        if not self._wanted and not self._released:
            self._wanted = True
            if self._channel is not None:
                self._consume(self._channel)
        try:
            if self._waiting.empty():
                async with asyncio.timeout(timeout):
                    message = await self._waiting.get()
            else:  # as a rule, while there is much to do; then a timer would be a good part of it
                message = self._waiting.get_nowait()
        except TimeoutError:
            return None
        self._held.add(message)
        return Lease(message.task_id, message.delivery, message)

    def release(self) -> None:
        """Take no more, and give what nobody has taken here to somebody else."""
        self._wanted, self._released = False, True
        channel, consumers = self._channel, self._consumers
        if channel is not None and not channel.lost.done():
            with translated():
                for consumer in consumers:
                    channel.amqp.basic_cancel(consumer)
        while not self._waiting.empty():
            self._give_back(self._waiting.get_nowait())

    def _give_back(self, message: _Message) -> None:
        if not message.channel.lost.done():
            with translated():
                message.channel.amqp.basic_reject(message.tag, requeue=True)

    def settle(self, lease: Lease, verb: str, **how: bool) -> None:
        """Tell RabbitMQ what became of a lease, unless it is not held any more."""
        message = lease.handle
        if not isinstance(message, _Message) or message not in self._held:
            return
        self._held.discard(message)
        if not message.channel.lost.done():
            with translated():
                getattr(message.channel.amqp, verb)(message.tag, **how)

    async def _prepare(self, link: Link) -> Channel:
        channel = await link.channel()
        await self._topology.declare_dead(channel)
        for queue in self._queues:
            await self._topology.declare(channel, queue)
        # Of each consumer: a limit for the whole channel is not there any more in version 4.
        await channel.call(channel.amqp.basic_qos, prefetch_count=self._prefetch)
        self._channel = channel
        if self._wanted:
            self._consume(channel)
        return channel

    def _consume(self, channel: Channel) -> None:
        # Without waiting for the answers: a refusal ends the channel, and the way is made anew.
        with translated():
            channel.amqp.add_on_cancel_callback(lambda _: channel.close())
            for urgency, lane in self._lanes:
                arrived = partial(self._arrived, channel, urgency)
                consumer = channel.amqp.basic_consume(queue=lane, on_message_callback=arrived)
                self._consumers.append(consumer)

    def _arrived(
        self, channel: Channel, urgency: int, _: object, method: Any, properties: Any, __: bytes
    ) -> None:
        try:
            task_id = UUID(properties.message_id)
        except (ValueError, TypeError, AttributeError):
            # Somebody else's, who has put it here; an operator finds it among the dead.
            channel.amqp.basic_reject(method.delivery_tag, requeue=False)
            return
        delivery = 1 + int((properties.headers or {}).get(_DELIVERIES, 0))
        turn, tag = next(self._turns), method.delivery_tag
        message = _Message(urgency, turn, task_id, delivery, channel, tag)
        if self._released:
            self._give_back(message)  # it was on its way
        else:
            self._waiting.put_nowait(message)

    def _forget(self) -> None:
        self._channel = None
        self._consumers.clear()
        self._held.clear()
        while not self._waiting.empty():
            self._waiting.get_nowait()
