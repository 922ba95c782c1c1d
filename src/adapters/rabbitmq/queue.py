"""The queue of due tasks on a RabbitMQ that several processes share."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel, persistent
from profilecore.adapters.rabbitmq.connection import RabbitConnection, Turned
from profilecore.adapters.rabbitmq.deadletters import LOSES, prove
from profilecore.adapters.rabbitmq.errors import TIMEOUT, UNROUTABLE
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.taking import Taking
from profilecore.adapters.rabbitmq.topology import PREFIX, Topology
from profilecore.errors import Unavailable
from profilecore.ports import Due, Lease

CONFIRM_MAX: Final = 3.0
PROVE_AGAIN: Final = 5.0
SILENT_FOR: Final = 10.0


class RabbitQueue:
    """The Queue port. `takes` names the queues that it takes from; without any it only puts.

    A task above priority 0 is taken before all that are not; there is no other order between
    priorities. `put` ends within `CONFIRM_MAX` seconds, where the queue is known already, and at
    once while RabbitMQ is away or takes no messages. So it does for `SILENT_FOR` seconds after one
    that was not confirmed: a queue that has no leader, as may be after a restart, says nothing. A
    `take` without a connection waits in vain. On each connection it is tried whether dead letters
    are kept; `turned` is told where they are not, and `ping` fails then.
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
        self._topology = Topology(prefix)
        self._turned = turned
        self._where = ", ".join(f"{host}:{port}" for host, port in address.hosts)
        self._putting = RabbitConnection(address, self._prepare, lost=self._forget, turned=turned)
        self._taking = Taking(address, self._topology, takes, prefetch, turned) if takes else None
        self._declared: dict[str, asyncio.Task[None]] = {}
        self._proving: asyncio.Task[None] | None = None
        self._proven = True
        self._silent_until: dict[str, float] = {}

    async def open(self) -> None:
        """Begin; a RabbitMQ that is away is no failure, and is used once it comes."""
        await asyncio.gather(*(connection.open() for connection in self._connections()))

    async def close(self) -> None:
        """End; what was delivered and not settled is given to somebody else."""
        await asyncio.gather(*(connection.close() for connection in self._connections()))

    def release(self) -> None:
        """Take no more, and give what was delivered and not taken to somebody else."""
        if self._taking is not None:
            with suppress(Unavailable):  # then RabbitMQ does so by itself
                self._taking.release()

    async def ping(self) -> None:
        """Raise Unavailable where RabbitMQ cannot be used as it has to be."""
        for connection in self._connections():
            await connection.ping()
        if not self._proven:
            raise Unavailable(LOSES)

    async def put(self, due: Due) -> None:
        lane = self._topology.lane(due.queue, high=due.priority > 0)
        link, channel = self._putting.current()
        if time.monotonic() < self._silent_until.get(lane, 0.0):
            raise Unavailable("RabbitMQ takes messages for this queue, and does not confirm them.")
        await self._known(link, due.queue)
        properties = persistent(message_id=str(due.task_id), headers=dict(due.headers))
        try:
            sent = channel.publish("", lane, b"", properties, mandatory=True)
            await channel.confirmed(sent, within=CONFIRM_MAX)
        except Unavailable as error:
            if error.code == UNROUTABLE:  # somebody has deleted it: the next put makes it anew
                self._declared.pop(due.queue, None)
            if error.code == TIMEOUT:
                self._silent_until[lane] = time.monotonic() + SILENT_FOR
            raise

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        if self._taking is None:
            await asyncio.sleep(timeout)
            return None
        return await self._taking.take(timeout)

    async def ack(self, lease: Lease) -> None:
        self._settle(lease, "basic_ack")

    async def retry(self, lease: Lease) -> None:
        # Not by nack, which counts no delivery from version 4.3 on.
        self._settle(lease, "basic_reject", requeue=True)

    async def bury(self, lease: Lease) -> None:
        self._settle(lease, "basic_reject", requeue=False)

    def _settle(self, lease: Lease, verb: str, **how: bool) -> None:
        if self._taking is not None:
            self._taking.settle(lease, verb, **how)

    def _connections(self) -> list[RabbitConnection]:
        return [self._putting, *([self._taking.connection] if self._taking else [])]

    async def _prepare(self, link: Link) -> Channel:
        channel = await link.channel(confirms=True)
        await self._topology.declare_dead(channel)
        self._proving = asyncio.create_task(self._prove(link))
        return channel

    def _forget(self) -> None:
        self._declared.clear()
        if self._proving is not None:
            self._proving.cancel()

    async def _known(self, link: Link, queue: str) -> None:
        """Declare a queue at its first use on a connection, however many ask for it."""
        declared = self._declared.get(queue)
        if declared is None:
            declared = self._declared[queue] = asyncio.create_task(self._declare(link, queue))
        await asyncio.shield(declared)

    async def _declare(self, link: Link, queue: str) -> None:
        # On a channel of its own, since a refusal ends the channel.
        try:
            channel = await link.channel()
            await self._topology.declare(channel, queue)
            channel.close()
        except BaseException:
            self._declared.pop(queue, None)
            raise

    async def _prove(self, link: Link) -> None:
        while True:
            with suppress(Unavailable):
                before, self._proven = self._proven, await prove(link, self._topology)
                if self._proven:
                    return
                if before:
                    self._turned(self._where, LOSES)
            await asyncio.sleep(PROVE_AGAIN)
