"""What Redis says of itself, for the metrics."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from profilecore.adapters.redis.connection import Gate, RedisServer
from profilecore.errors import Unavailable

INTERVAL: Final = 5.0


class RedisFigures:
    """Asked every `INTERVAL` seconds, over a connection of its own, so that no scrape waits.

    `size` is of the database, tombstones included; the rest is of the whole server, whoever else
    uses it. Nothing is known while Redis does not answer, or does not allow INFO.
    """

    def __init__(self, server: RedisServer, *, interval: float = INTERVAL) -> None:
        self._server = server
        self._interval = interval
        self._forget()

    async def watch(self) -> None:
        """Ask until cancelled."""
        gate, redis = Gate(1), self._server.client(1)
        try:
            while True:
                try:
                    async with gate.calling():
                        await self._ask(redis)
                except Unavailable:
                    self._forget()
                await asyncio.sleep(self._interval)
        finally:
            await redis.aclose()

    def _forget(self) -> None:
        self.size: int | None = None
        self.size_max: int | None = None  # the bound of Redis is memory
        self.memory_bytes: int | None = None
        self.memory_max_bytes: int | None = None
        self.evicted: Mapping[str, int] = {}

    async def _ask(self, redis: Redis) -> None:
        size, info = await redis.dbsize(), dict[str, Any](await redis.info())
        self.size = size
        self.memory_bytes = info.get("used_memory")
        self.memory_max_bytes = info.get("maxmemory") or None  # 0 is no bound
        names = {"capacity": "evicted_keys", "expired": "expired_keys"}
        self.evicted = {reason: info[name] for reason, name in names.items() if name in info}
