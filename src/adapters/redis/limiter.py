"""Budgets in a Redis that several processes share."""

import asyncio
import secrets
import time
from contextvars import Context
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from profilecore.adapters.redis import limiter_scripts as scripts
from profilecore.adapters.redis.cache import PREFIX
from profilecore.adapters.redis.connection import Gate, RedisServer
from profilecore.errors import Unavailable
from profilecore.limits import MICROSECONDS, Rate, Verdict

PATIENCE: Final = 0.05
LIFE: Final = 10.0
FRESH: Final = 1.5
SETTLE: Final = 1.0
LATE: Final = 0.5
MOST: Final = 500
_PARTS: Final = 3  # of a verdict


@dataclass(slots=True)
class _Asked:
    key: str
    rate: Rate
    answer: "asyncio.Future[Verdict]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class RedisLimiter:
    """One call at a time takes for all who wait, and is answered within `PATIENCE` or fails.

    The time is that of the server. Keys are hashed, since they may be of people; a key ends when
    its budget is full. A process that has joined counts for `LIFE` seconds. Those that come back
    from an outage join `SETTLE` seconds after the first of them, or at once where others were at
    work here within the last `FRESH` seconds.
    """

    def __init__(
        self, server: RedisServer, *, prefix: str = PREFIX, patience: float = PATIENCE
    ) -> None:
        self._server = server
        self._patience = patience
        self._used_key = f"{prefix}:limits:used"
        self._processes_key = f"{prefix}:limits:processes"
        self._budget = f"{prefix}:limit"
        self._process = secrets.token_hex(8)
        self._is_new = True
        self._ahead = float("inf")  # of this process's clock is that of the server
        self._waiting: list[_Asked] = []
        self._sender: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make ready; a Redis that is not there shows at the first call."""
        self._gate = Gate(2, patience=self._patience)
        self._door = Gate(1)  # with the time that a connection takes to be made
        self._redis = self._server.client(2)
        self._take = self._redis.register_script(scripts.TAKE)
        self._join = self._redis.register_script(scripts.JOIN)
        self._rejoin = self._redis.register_script(scripts.REJOIN)

    async def close(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait({self._sender})
        await self._redis.aclose()

    async def take(self, key: str, rate: Rate) -> Verdict:
        asked = _Asked(self._key(key), rate)
        self._waiting.append(asked)
        if self._sender is None or self._sender.done():
            # A task begins in the loop's next round: what else is asked in this one goes with it.
            self._sender = asyncio.create_task(self._send(), context=Context())
        return await asked.answer

    async def join(self) -> int:
        await self._connected()
        last = self._ahead + time.monotonic() + LATE
        arguments: list[str | int | float] = [
            *(self._process, int(LIFE * MICROSECONDS), int(self._is_new)),
            last * MICROSECONDS,
        ]
        async with self._gate.calling():
            number, now = await self._join([self._used_key, self._processes_key], arguments)
        self._ahead = int(now) / MICROSECONDS - time.monotonic()
        self._is_new = False
        return int(number)

    async def rejoin(self) -> float:
        arguments = [int(FRESH * MICROSECONDS), int(SETTLE * MICROSECONDS)]
        await self._connected()
        async with self._gate.calling():
            wait = await self._rejoin([self._used_key, self._processes_key], arguments)
        self._is_new = False
        return int(wait) / MICROSECONDS

    async def _connected(self) -> None:
        async with self._door.calling():
            await self._redis.ping()

    async def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                verdicts = await self._ask(batch)
            except BaseException as error:  # whatever it is, nobody is left to wait
                batch, self._waiting = batch + self._waiting, []
                for asked in batch:
                    _fail(asked, error)
                if not isinstance(error, Unavailable):
                    raise
                return
            for asked, verdict in zip(batch, verdicts, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(verdict)

    async def _ask(self, batch: list[_Asked]) -> list[Verdict]:
        keys = [self._used_key, *(asked.key for asked in batch)]
        arguments = [n for asked in batch for n in (asked.rate.interval, asked.rate.burst)]
        async with self._gate.calling():
            found = await self._take(keys, arguments)
        return [
            Verdict(bool(allowed), remaining, wait / MICROSECONDS)
            for allowed, remaining, wait in zip(*[iter(found)] * _PARTS, strict=True)
        ]

    def _key(self, key: str) -> str:
        return f"{self._budget}:{blake2b(key.encode(), digest_size=16).hexdigest()}"


def _fail(asked: _Asked, error: BaseException) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
        asked.answer.exception()  # who has given up need not see
