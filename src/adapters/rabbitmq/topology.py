"""The queues of tasks, as they are named and declared."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pika.exchange_type import ExchangeType

from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.errors import Invalid

PREFIX: Final = "profilecore.tasks"
DELIVERY_LIMIT: Final = 20
_NAME: Final = re.compile(r"(?!dead$)[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Topology:
    """Each queue is two lanes, since quorum queues know no priorities that all versions keep.

    What is rejected, or was delivered more than `DELIVERY_LIMIT` times more, is kept in the queue
    `dead`; it has the routing key, and so the name, of the lane that it comes from.
    """

    prefix: str = PREFIX
    _making: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False, repr=False, compare=False
    )

    @property
    def dead(self) -> str:
        """The exchange of what is set aside, and the queue."""
        return f"{self.prefix}.dead"

    def probe(self, nonce: str) -> str:
        """A queue for trying whether dead-lettering works, whose messages `dead` does not get."""
        return f"{self.prefix}-probe.{nonce}"

    def lane(self, queue: str, *, high: bool) -> str:
        """Where the tasks of a queue wait, those of a high priority apart."""
        if not _NAME.fullmatch(queue):
            raise Invalid("The name of a queue is 1 to 100 letters, digits, - and _, and not dead.")
        return f"{self.prefix}.{queue}.high" if high else f"{self.prefix}.{queue}"

    def lanes(self, queue: str) -> tuple[str, str]:
        """Both lanes, the higher one first."""
        return self.lane(queue, high=True), self.lane(queue, high=False)

    def arguments(self) -> Mapping[str, Any]:
        """Of a queue that loses nothing: not in a crash, and not on the way to `dead`."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dead,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # without it the strategy is silently at-most-once
        }

    async def declare_dead(self, channel: Channel) -> None:
        """Make what others refer to: a dead-letter exchange that is not there drops in silence."""
        amqp = channel.amqp
        await channel.call(
            amqp.exchange_declare,
            exchange=self.dead,
            exchange_type=ExchangeType.topic,
            durable=True,
        )
        kept = {"x-queue-type": "quorum"}
        await channel.call(amqp.queue_declare, queue=self.dead, durable=True, arguments=kept)
        await channel.call(
            amqp.queue_bind, queue=self.dead, exchange=self.dead, routing_key=f"{self.prefix}.#"
        )

    async def declare(self, channel: Channel, lane: str) -> None:
        """Make a lane, where it is not there yet; `declare_dead` comes first."""
        arguments = dict(self.arguments())
        # One at a time: while one makes it, another hears that it is there, but it takes nothing.
        async with self._making[lane]:
            await channel.call(
                channel.amqp.queue_declare, queue=lane, durable=True, arguments=arguments
            )
