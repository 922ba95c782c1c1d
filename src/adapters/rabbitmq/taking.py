"""The half of a queue that takes: connections of its own, which no alarm of memory stops."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final
from uuid import UUID

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.adapters.rabbitmq.connection import Turned
from profilecore.adapters.rabbitmq.errors import translated
from profilecore.adapters.rabbitmq.lane import Lane
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.ports import Lease

_DELIVERIES: Final = "x-delivery-count"


@dataclass(slots=True, order=True)
class _Message:
    """What was delivered; the smallest that waits is taken first. It is settled once."""

    urgency: int
    turn: int
    task_id: UUID = field(compare=False)
    delivery: int = field(compare=False)
    channel: Channel = field(compare=False)
    tag: int = field(compare=False)
    headers: Mapping[str, str] = field(compare=False)
    settled: bool = field(compare=False, default=False)

    def settle(self, verb: str, **how: bool) -> None:
        """On the channel that it came by; what a lost one brought is somebody else's by now."""
        if self.settled or self.channel.lost.done():
            return
        self.settled = True
        with translated():
            getattr(self.channel.amqp, verb)(self.tag, **how)


class Taking:
    """Takes from some queues; at most `prefetch` tasks of each lane are in its hands.

    It begins with the first `take`. What a lost connection had brought is given to somebody else
    by RabbitMQ, and forgotten here.
    """

    def __init__(
        self,
        address: RabbitAddress,
        topology: Topology,
        queues: Sequence[str],
        prefetch: int,
        turned: Turned,
    ) -> None:
        self._turns = count()
        self._waiting: asyncio.PriorityQueue[_Message] = asyncio.PriorityQueue()
        self._begins = False
        self._released = False
        self._lanes = [
            Lane(
                address,
                topology,
                name,
                prefetch,
                arrived=partial(self._arrived, urgency),
                lost=self._forget,
                turned=turned,
            )
            for queue in queues
            for urgency, name in enumerate(topology.lanes(queue))
        ]

    def open(self) -> None:
        """From now on a `take` begins it."""
        self._begins, self._released = True, False

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        if self._begins:
            self._begins = False
            for lane in self._lanes:
                lane.begin()
        try:
            if self._waiting.empty():
                async with asyncio.timeout(timeout):
                    message = await self._waiting.get()
            else:  # as a rule, while there is much to do; then a timer would be a good part of it
                message = self._waiting.get_nowait()
        except TimeoutError:
            return None
        return Lease(message.task_id, message.delivery, message, message.headers)

    def settle(self, lease: Lease, verb: str, **how: bool) -> None:
        """Tell RabbitMQ what became of a lease, unless it is not held any more."""
        if isinstance(lease.handle, _Message):
            lease.handle.settle(verb, **how)

    def release(self) -> None:
        """Take no more, and give what nobody has taken here to somebody else."""
        self._begins, self._released = False, True
        for lane in self._lanes:
            lane.release()
        for message in self._drained():
            message.settle("basic_reject", requeue=True)

    async def ping(self) -> None:
        """Raise Unavailable where a lane gives nothing."""
        for lane in self._lanes:
            await lane.ping()

    async def close(self) -> None:
        """End; what was delivered and not settled is given to somebody else."""
        self._begins = False
        await asyncio.gather(*(lane.close() for lane in self._lanes))

    def _arrived(self, urgency: int, channel: Channel, method: Any, properties: Any) -> None:
        tag = method.delivery_tag
        try:
            task_id = UUID(properties.message_id)
        except (ValueError, TypeError, AttributeError):
            # Somebody else's, who has put it here; an operator finds it among the dead.
            channel.amqp.basic_reject(tag, requeue=False)
            return
        headers = properties.headers or {}
        delivery = 1 + int(headers.get(_DELIVERIES, 0))
        texts = {name: value for name, value in headers.items() if isinstance(value, str)}
        message = _Message(urgency, next(self._turns), task_id, delivery, channel, tag, texts)
        if self._released:
            message.settle("basic_reject", requeue=True)  # it was on its way
        else:
            self._waiting.put_nowait(message)

    def _forget(self) -> None:
        for message in self._drained():
            if not message.channel.lost.done():
                self._waiting.put_nowait(message)

    def _drained(self) -> list[_Message]:
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
