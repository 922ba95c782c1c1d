"""The half of a queue that puts: one connection, and a channel for each lane that is put to."""

import asyncio
import time
from contextlib import suppress
from typing import Final

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.channel import Channel, persistent
from profilecore.adapters.rabbitmq.connection import RabbitConnection, Turned
from profilecore.adapters.rabbitmq.deadletters import LOSES, prove
from profilecore.adapters.rabbitmq.errors import TIMEOUT, UNROUTABLE
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.errors import Unavailable
from profilecore.ports import Due

CONFIRM_MAX: Final = 3.0
PROVE_AGAIN: Final = 5.0
SILENT_FOR: Final = 10.0


class Putting:
    """Puts into lanes, each of which is declared at its first use on a connection.

    A queue that has no leader, as may be after a restart, takes some messages without a word, and
    then blocks the channel that they come by. So each lane has its own; one that did not confirm
    is given nothing for `SILENT_FOR` seconds, and then one message, until it confirms one.
    """

    def __init__(self, address: RabbitAddress, topology: Topology, turned: Turned) -> None:
        self._topology = topology
        self._turned = turned
        self._connection = RabbitConnection(address, self._prepare, lost=self._lost, turned=turned)
        self._channels: dict[str, asyncio.Task[Channel]] = {}
        self._silent_until: dict[str, float] = {}
        self._proving: asyncio.Task[None] | None = None
        self._proven = True

    async def open(self) -> None:
        """Begin; a RabbitMQ that is away is no failure, and is used once it comes."""
        await self._connection.open()

    async def close(self) -> None:
        """End."""
        await self._connection.close()

    async def ping(self) -> None:
        """Raise Unavailable where nothing can be put, or what is rejected would be lost."""
        await self._connection.ping()
        if not self._proven:
            raise Unavailable(LOSES)

    async def put(self, due: Due) -> None:
        """Unavailable where RabbitMQ does not say that it has it."""
        lane = self._topology.lane(due.queue, high=due.priority > 0)
        link, main = self._connection.current()
        self._try(lane)
        heard = link.heard
        try:
            await self._send(await self._channel(link, lane), lane, due)
        except Unavailable as error:
            if error.code == TIMEOUT:
                self._silent_until[lane] = time.monotonic() + SILENT_FOR
                if link.heard == heard:  # it is not this lane alone
                    main.give_up(error)
            raise
        self._silent_until.pop(lane, None)

    async def _send(self, channel: Channel, lane: str, due: Due) -> None:
        properties = persistent(message_id=str(due.task_id), headers=dict(due.headers))
        sent = channel.publish("", lane, b"", properties, mandatory=True)
        try:
            await channel.confirmed(sent, within=CONFIRM_MAX)
        except Unavailable as error:
            if error.code == UNROUTABLE:  # somebody has deleted it: the next put makes it anew
                channel.close()
            raise

    def _try(self, lane: str) -> None:
        """Raise Unavailable where a lane is silent, and it is not time to try it once more."""
        until, now = self._silent_until.get(lane), time.monotonic()
        if until is None:
            return
        if now < until:
            raise Unavailable("RabbitMQ takes messages for this queue, and does not confirm them.")
        self._silent_until[lane] = now + SILENT_FOR

    async def _channel(self, link: Link, lane: str) -> Channel:
        """One on which the lane is declared, however many ask for it."""
        opening = self._channels.get(lane)
        if opening is None or (opening.done() and not opening.result().is_open):
            opening = self._channels[lane] = asyncio.create_task(self._declared(link, lane))
        return await asyncio.shield(opening)

    async def _declared(self, link: Link, lane: str) -> Channel:
        try:
            channel = await link.channel(confirms=True)
            await self._topology.declare(channel, lane)
        except BaseException:
            self._channels.pop(lane, None)
            raise
        return channel

    async def _prepare(self, link: Link) -> Channel:
        channel = await link.channel()
        await self._topology.declare_dead(channel)
        self._proving = asyncio.create_task(self._prove(link))
        return channel

    def _lost(self) -> None:
        if self._proving is not None:
            self._proving.cancel()

    async def _prove(self, link: Link) -> None:
        while True:
            with suppress(Unavailable):
                before, self._proven = self._proven, await prove(link, self._topology)
                if self._proven:
                    return
                if before:
                    self._turned(self._connection.where, LOSES)
            await asyncio.sleep(PROVE_AGAIN)
