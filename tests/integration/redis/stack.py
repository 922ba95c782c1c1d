"""What one server process has between a request and its cache, with its own way to Redis."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Self
from uuid import UUID

from profilecore.adapters.fallback import FallbackCache
from profilecore.adapters.memory import MemoryCache, MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.errors import NotFound, ProfilecoreError
from profilecore.event import Change, Event
from profilecore.feed import Feed
from profilecore.receipt import Receipt
from profilecore.relay import Horizon, Relay
from profilecore.service import ProfileService, Reading
from tests.support.proxy import Proxy

TRUST = 0.7  # seconds; what a fill may hold up an answer that comes from the store, too
INTERVAL = 0.1


class MortalProfiles(MemoryProfiles):
    """Can die between the commit and what comes after it."""

    dies = False

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        outcomes = await super().write(changes, atomic=atomic, receipt=receipt)
        if self.dies:
            await asyncio.Event().wait()
        return outcomes


class Stack:
    """`async with` starts it; `turns` are those of its circuit breaker, with their reasons."""

    def __init__(self, store: MemoryStore, port: int, prefix: str, *, trust: float = TRUST) -> None:
        horizon = Horizon()
        log = MemoryLog(store)
        self.turns: list[tuple[bool, str]] = []
        self.profiles = MortalProfiles(store)
        self.proxy = Proxy(port)
        self._prefix = prefix
        self._horizon = horizon
        self._log = log
        self._trust = trust

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            await exits.enter_async_context(self.proxy)
            at = RedisServer(host="127.0.0.1", port=self.proxy.port)
            self.redis = RedisCache(at, self._horizon, prefix=self._prefix)
            await self.redis.open()
            exits.push_async_callback(self.redis.close)
            self.cache = FallbackCache(
                self.redis,
                MemoryCache(),
                self._horizon,
                turned=lambda active, why: self.turns.append((active, why)),
            )
            relay = Relay(self.cache, self._log, self._horizon)
            self.feed = Feed(self.cache, self._log, relay, interval=INTERVAL, trust=self._trust)
            self.service = ProfileService(
                self.profiles, self._log, self.feed, announce=self.feed.wake
            )
            await self.feed.start()
            for work in (self.feed.follow(), relay.run()):
                exits.push_async_callback(_ended, asyncio.create_task(work))
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def read(self, profile_id: UUID) -> Reading | None:
        """A reading; None where the profile is deleted."""
        with suppress(NotFound):
            return await self.service.read(profile_id)
        return None

    async def until(self, active: bool, seconds: float = 5.0) -> float:
        """How long it takes until the fallback is, or is not, in use."""
        began = time.monotonic()
        while self.cache.active is not active:
            assert time.monotonic() - began < seconds, self.turns
            await asyncio.sleep(0.01)
        return time.monotonic() - began


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
