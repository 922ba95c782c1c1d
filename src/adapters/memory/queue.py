"""A queue in this process's memory."""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import NamedTuple
from uuid import UUID

from profilecore.ports import Due, Lease


class _Message(NamedTuple):
    """What waits; the smallest is taken first."""

    urgency: int
    turn: int
    task_id: UUID
    delivery: int
    headers: Mapping[str, str]


class MemoryQueue:
    """The Queue port: priorities are kept exactly, first come, first served within one.

    Takes from all queues, whatever their names. `buried` holds what was set aside. What is in it
    is lost with the process.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.PriorityQueue[_Message] = asyncio.PriorityQueue()
        self._held: dict[object, _Message] = {}
        self._turns = count()
        self.buried: list[UUID] = []

    @property
    def waiting(self) -> int:
        """How many can be taken."""
        return self._waiting.qsize()

    async def put(self, due: Due) -> None:
        message = _Message(-due.priority, next(self._turns), due.task_id, 1, due.headers)
        self._waiting.put_nowait(message)

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        try:
            if self._waiting.empty():
                async with asyncio.timeout(timeout):
                    message = await self._waiting.get()
            else:  # as a rule, while there is much to do; then a timer would be a good part of it
                message = self._waiting.get_nowait()
        except TimeoutError:
            return None
        self._held[message.turn] = message
        return Lease(message.task_id, message.delivery, message.turn, message.headers)

    async def ack(self, lease: Lease) -> None:
        self._held.pop(lease.handle, None)

    async def retry(self, lease: Lease) -> None:
        message = self._held.pop(lease.handle, None)
        if message is not None:
            turn, delivery = next(self._turns), message.delivery + 1
            self._waiting.put_nowait(message._replace(turn=turn, delivery=delivery))

    async def bury(self, lease: Lease) -> None:
        message = self._held.pop(lease.handle, None)
        if message is not None:
            self.buried.append(message.task_id)
