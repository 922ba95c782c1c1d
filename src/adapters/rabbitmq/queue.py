"""The queue of due tasks on a RabbitMQ that several processes share."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.connection import Turned
from profilecore.adapters.rabbitmq.putting import Putting
from profilecore.adapters.rabbitmq.taking import Taking
from profilecore.adapters.rabbitmq.topology import PREFIX, Topology
from profilecore.errors import Unavailable
from profilecore.ports import Due, Lease


class RabbitQueue:
    """The Queue port. `takes` names the queues that it takes from; without any it only puts.

    A task above priority 0 is taken before all that are not; there is no other order between
    priorities. `put` ends within `CONFIRM_MAX` seconds, where the queue is known already, and at
    once while RabbitMQ is away, takes no messages, or has lately not confirmed one of this queue
    and priority. A `take` without a connection waits in vain. On each connection it is tried
    whether dead letters are kept; `turned` is told where they are not, and `ping` fails then.
    """

    def __init__(
        self,
        address: RabbitAddress,
        *,
        takes: Sequence[str] = ("default",),
        prefetch: int = 10,
        prefix: str = PREFIX,
        turned: Turned = lambda where, what: None,
    ) -> None:
        topology = Topology(prefix)
        self._putting = Putting(address, topology, turned)
        self._taking = Taking(address, topology, takes, prefetch, turned)

    async def open(self) -> None:
        """Begin; a RabbitMQ that is away is no failure, and is used once it comes."""
        self._taking.open()
        await self._putting.open()

    async def close(self) -> None:
        """End; what was delivered and not settled is given to somebody else."""
        await asyncio.gather(self._putting.close(), self._taking.close())

    def release(self) -> None:
        """Take no more, and give what was delivered and not taken to somebody else."""
        with suppress(Unavailable):  # then RabbitMQ does so by itself
            self._taking.release()

    async def ping(self) -> None:
        """Raise Unavailable where RabbitMQ cannot be used as it has to be."""
        await self._putting.ping()
        await self._taking.ping()

    async def put(self, due: Due) -> None:
        await self._putting.put(due)

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        return await self._taking.take(timeout)

    async def ack(self, lease: Lease) -> None:
        self._taking.settle(lease, "basic_ack")

    async def retry(self, lease: Lease) -> None:
        # Not by nack, which counts no delivery from version 4.3 on.
        self._taking.settle(lease, "basic_reject", requeue=True)

    async def bury(self, lease: Lease) -> None:
        self._taking.settle(lease, "basic_reject", requeue=False)
