"""One connection to one host, from its making until it is lost."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Self

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import StreamLostError

from profilecore.adapters.rabbitmq.address import CONNECT_MAX
from profilecore.adapters.rabbitmq.channel import Channel
from profilecore.adapters.rabbitmq.errors import BLOCKED, meaning, translated
from profilecore.errors import ProfilecoreError, Unavailable

CLOSE_MAX: Final = 1.0


class _Connection(AsyncioConnection):  # type: ignore[misc] # pika has no types
    def abort(self) -> None:
        """End it without asking the other side, which may be silent."""
        if self._opened:
            self._terminate_stream(StreamLostError("given up"))
        elif not (self.is_closed or self.is_closing):
            self.close()


class Link:
    """An open connection. `lost` holds the reason once it is not; `blocked` why nothing is taken.

    `turned` is told when RabbitMQ stops to take messages, and when it takes them again.
    """

    _connection: _Connection

    def __init__(self, turned: Callable[[str], object]) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[ProfilecoreError] = loop.create_future()
        self.blocked: str | None = None
        self._opened: asyncio.Future[None] = loop.create_future()
        self._channels: set[Channel] = set()
        self._turned = turned

    @classmethod
    async def open(
        cls, parameters: pika.ConnectionParameters, turned: Callable[[str], object]
    ) -> Self:
        """Connect; Unavailable where that fails, or takes longer than `CONNECT_MAX`."""
        self = cls(turned)
        with translated():
            self._connection = _Connection(
                parameters,
                on_open_callback=lambda _: self._on_open(),
                on_open_error_callback=self._on_lost,
                on_close_callback=self._on_lost,
                custom_ioloop=asyncio.get_running_loop(),
            )
            self._connection.add_on_connection_blocked_callback(self._on_blocked)
            self._connection.add_on_connection_unblocked_callback(self._on_unblocked)
            try:
                async with asyncio.timeout(CONNECT_MAX):
                    await self._opened
            except BaseException:
                await self.abort()
                raise
        return self

    async def channel(self, *, confirms: bool = False) -> Channel:
        """A new channel; it is lost with the connection at the latest."""
        channel = await Channel.open(self._connection, confirms=confirms)
        self._channels.add(channel)
        channel.lost.add_done_callback(lambda _: self._channels.discard(channel))
        return channel

    @property
    def heard(self) -> int:
        """How many bytes have come from RabbitMQ."""
        return int(self._connection.bytes_received)

    def raise_if_blocked(self) -> None:
        """Unavailable while RabbitMQ takes no messages."""
        if self.blocked is not None:
            raise _blocked(self.blocked)

    async def close(self) -> None:
        """Leave in good order, so that all that was sent arrives; within `CLOSE_MAX` seconds."""
        if self._connection.is_open:
            self._connection.close()
            await asyncio.wait({self.lost}, timeout=CLOSE_MAX)
        await self.abort()

    async def abort(self) -> None:
        """End it at once."""
        if not self.lost.done():
            self._connection.abort()
            await asyncio.wait({self.lost}, timeout=CLOSE_MAX)

    def _on_open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def _on_lost(self, _: object, reason: BaseException) -> None:
        if not self.lost.done():
            self.lost.set_result(meaning(reason))
        if not self._opened.done():
            self._opened.set_exception(meaning(reason))

    def _on_blocked(self, _: object, frame: Any) -> None:
        self.blocked = str(frame.method.reason)
        for channel in list(self._channels):
            channel.interrupt(partial(_blocked, self.blocked))
        self._turned(f"takes no messages: {self.blocked}")

    def _on_unblocked(self, _: object, __: object) -> None:
        self.blocked = None
        self._turned("takes messages again")


def _blocked(reason: str) -> Unavailable:
    return Unavailable(f"RabbitMQ takes no messages: {reason}.", code=BLOCKED, retry_after=5)
