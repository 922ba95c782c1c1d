"""A channel of pika, with coroutines in the place of callbacks."""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Any, Final, Self

from pika.adapters.asyncio_connection import AsyncioConnection
from pika.delivery_mode import DeliveryMode
from pika.spec import Basic, BasicProperties

from profilecore.adapters.rabbitmq.errors import UNROUTABLE, meaning, translated
from profilecore.errors import ProfilecoreError, Unavailable

ANSWER_MAX: Final = 3.0


class Channel:
    """Whatever waits for an answer fails when the channel is lost, or after some seconds.

    `lost` holds the reason then. `amqp` is pika's own.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[ProfilecoreError] = self._loop.create_future()
        self.amqp: Any = None
        self._answers: set[asyncio.Future[Any]] = set()
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._published = 0

    @classmethod
    async def open(cls, connection: AsyncioConnection, *, confirms: bool) -> Self:
        """A new one; what it publishes is confirmed only with `confirms`."""
        self = cls()
        with translated():
            opened = self._answer()
            self.amqp = connection.channel(on_open_callback=partial(_give, opened))
            self.amqp.add_on_close_callback(self._on_close)
        await self._answered(opened, ANSWER_MAX)
        if confirms:
            self.amqp.add_on_return_callback(self._on_return)
            await self.call(self.amqp.confirm_delivery, ack_nack_callback=self._on_confirm)
        return self

    async def call(
        self, method: Callable[..., object], *, within: float = ANSWER_MAX, **arguments: Any
    ) -> Any:
        """Call a method of `amqp` that is answered, and give the answer."""
        answer = self._answer()
        with translated():
            method(callback=partial(_give, answer), **arguments)
        return await self._answered(answer, within)

    def publish(
        self, exchange: str, key: str, body: bytes, properties: BasicProperties, *, mandatory: bool
    ) -> "asyncio.Future[None]":
        """Send one message; what is given ends when RabbitMQ has it, or with Unavailable."""
        number = self._published + 1
        properties.correlation_id = str(number)  # a message that is returned has no other number
        with translated():
            self.amqp.basic_publish(exchange, key, body, properties, mandatory)
        self._published = number
        confirmed: asyncio.Future[None] = self._loop.create_future()
        self._unconfirmed[number] = confirmed
        confirmed.add_done_callback(partial(self._over, number))
        return confirmed

    async def confirmed(self, *sent: "asyncio.Future[None]", within: float) -> None:
        """Wait until RabbitMQ has all that was sent.

        A channel on which that takes longer is given up, long before a heartbeat would be missed.
        """
        late = self._loop.call_later(within, self._late)
        try:
            for each in sent:
                await each
        finally:
            late.cancel()

    def interrupt(self, error: Callable[[], ProfilecoreError]) -> None:
        """Let everything that waits fail."""
        for future in [*self._answers, *self._unconfirmed.values()]:
            if not future.done():
                future.set_exception(error())

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return bool(self.amqp.is_open)

    def give_up(self, error: ProfilecoreError) -> None:
        """Leave it as lost, for this reason, which everything that waits fails with."""
        if not self.lost.done():
            self.lost.set_result(error)
        self.interrupt(lambda: meaning(error.__cause__ or error))
        self.close()

    def close(self) -> None:
        """Leave it, without waiting for an answer."""
        if self.is_open:
            self.amqp.close()

    def _over(self, number: int, confirmed: "asyncio.Future[None]") -> None:
        self._unconfirmed.pop(number, None)
        if not confirmed.cancelled():
            confirmed.exception()  # whoever sent it may not wait for it any more

    def _answer(self) -> "asyncio.Future[Any]":
        answer = self._loop.create_future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        return answer

    async def _answered(self, answer: "asyncio.Future[Any]", within: float) -> Any:
        with translated():
            async with asyncio.timeout(within):
                return await answer

    def _on_close(self, _: object, reason: BaseException) -> None:
        self.give_up(meaning(reason))

    def _late(self) -> None:
        self.give_up(meaning(TimeoutError()))

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        number = method.delivery_tag
        numbers = [number]
        if method.multiple:
            numbers = list(takewhile(lambda each: each <= number, self._unconfirmed))
        for each in numbers:
            future = self._unconfirmed.pop(each, None)
            if future is None or future.done():
                continue
            if isinstance(method, Basic.Ack):
                future.set_result(None)
            else:
                future.set_exception(Unavailable("RabbitMQ did not take a message."))

    def _on_return(self, _: object, method: Any, properties: BasicProperties, __: bytes) -> None:
        future = self._unconfirmed.get(int(properties.correlation_id))
        if future is not None and not future.done():
            detail = f"RabbitMQ has no queue {method.routing_key}."
            future.set_exception(Unavailable(detail, code=UNROUTABLE))


def persistent(**properties: Any) -> BasicProperties:
    """The properties of a message that outlives a crash of the broker."""
    return BasicProperties(delivery_mode=DeliveryMode.Persistent.value, **properties)


def _give(answer: "asyncio.Future[Any]", value: object) -> None:
    if not answer.done():
        answer.set_result(value)
