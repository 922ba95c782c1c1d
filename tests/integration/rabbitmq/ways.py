"""What the tests of RabbitMQ do with a queue."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from profilecore.adapters.rabbitmq import RabbitAddress, RabbitQueue
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.ports import Due, Lease

BACK_MAX = 30.0  # a broker that starts takes some seconds on a busy machine
SOON = 5.0
NEVER = 0.3


@asynccontextmanager
async def opened(address: RabbitAddress, **options: Any) -> AsyncIterator[RabbitQueue]:
    queue = RabbitQueue(address, **options)
    await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


async def put(adapter: RabbitQueue, **fields: Any) -> UUID:
    task = new_id()
    await adapter.put(Due(task, **fields))
    return task


async def taken(queue: RabbitQueue) -> Lease:
    lease = await queue.take(SOON)
    assert lease is not None
    return lease


async def works(call: Callable[[], Awaitable[object]], within: float = BACK_MAX) -> float:
    """Try until it does; give the seconds that took."""
    began = time.monotonic()
    while True:
        try:
            await call()
        except Unavailable:
            assert time.monotonic() - began < within
            await asyncio.sleep(0.05)
        else:
            return time.monotonic() - began


async def fails(call: Callable[[], Awaitable[object]], within: float = BACK_MAX) -> Unavailable:
    """Try until it does not; give why."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            await call()
        except Unavailable as error:
            return error
        await asyncio.sleep(0.05)
    raise AssertionError("it still works")
