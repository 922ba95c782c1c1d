"""RabbitMQ, real, as a queue that several processes share."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from profilecore.adapters.rabbitmq import RabbitQueue
from profilecore.ports import Queue
from profilecore.testing.places import Place, Traits
from profilecore.testing.queue import QueueContract
from tests.support.rabbitmq import RabbitProcess

_numbers = count(1)


class RabbitPlace(Place[Queue]):
    """Queues with a name of their own."""

    def __init__(self, server: RabbitProcess) -> None:
        self._server = server
        self._prefix = f"place{next(_numbers)}"
        self._opened: list[RabbitQueue] = []

    async def open(self) -> Queue:
        queue = RabbitQueue(self._server.address, prefetch=50, prefix=self._prefix)
        await queue.open()
        self._opened.append(queue)
        return queue

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestRabbitQueue(QueueContract):
    traits = Traits(durable=True, shared=True, prioritised=False)

    @pytest.fixture
    async def place(self, rabbit: RabbitProcess) -> AsyncIterator[Place[Queue]]:
        place = RabbitPlace(rabbit)
        yield place
        await place.close()
