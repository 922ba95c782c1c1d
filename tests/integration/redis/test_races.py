"""Fills race with writes and deletions over a real Redis: nothing stale is left."""

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.errors import NotFound, ProfilecoreError
from profilecore.event import Change, Event
from profilecore.profile import Profile
from profilecore.relay import Horizon
from profilecore.service import ProfileService
from tests.support.campaign import dice, rounds
from tests.support.redis import RedisProcess

AT_ONCE = 50
ANY_PUT = """
local epoch = string.match(redis.call('GET', KEYS[1]), '^(%x+):')
redis.call('SET', KEYS[2], epoch .. ':' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3])
"""
NO_TOMBSTONE = "redis.call('DEL', KEYS[2])"


class SlowProfiles(MemoryProfiles):
    """Takes a while after it has read or written, before the caller knows."""

    def __init__(self, store: MemoryStore, rng: random.Random) -> None:
        super().__init__(store)
        self._rng = rng

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        found = await super().get(ids, at_least=at_least)
        await self._pause()
        return found

    async def write(
        self, changes: Sequence[Change], *, atomic: bool
    ) -> Sequence[Event | ProfilecoreError]:
        outcomes = await super().write(changes, atomic=atomic)
        await self._pause()
        return outcomes

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.choice([0, 0.02, 0.1]) * self._rng.random())


class Race:
    """A profile with a writer and three readers, each in one of two processes."""

    def __init__(self, caches: list[RedisCache], rng: random.Random) -> None:
        self._rng = rng
        self._caches = caches
        self._store = MemoryStore()
        self._services = [
            ProfileService(SlowProfiles(self._store, rng), MemoryLog(self._store), cache)
            for cache in caches
        ]

    async def stale(self) -> bool:
        """Whether the cache holds, at rest, what is not so."""
        written = await self._services[0].create({"name": "A", "email": "a@x.de"}, actor=None)
        self._id = written.profile.id
        if self._rng.random() < 0.5:
            await self._caches[0].drop(self._id, written.profile.version)
        await asyncio.gather(self._write(), *(self._read() for _ in range(3)))
        (truth,) = (await MemoryProfiles(self._store).get([self._id])).values()
        cached = (await self._caches[1].get([self._id])).get(self._id)
        return cached is not None and (cached != truth or truth.deleted_at is not None)

    async def _write(self) -> None:
        for _ in range(self._rng.randint(1, 3)):
            service = self._rng.choice(self._services)
            await asyncio.sleep(self._rng.random() * 0.02)
            try:
                if self._rng.random() < 0.4:
                    await service.remove(self._id, expected=None, actor=None)
                else:
                    bio = str(self._rng.random())
                    await service.update(self._id, {"bio": bio}, expected=None, actor=None)
            except NotFound:
                await service.restore(self._id, expected=None, actor=None)

    async def _read(self) -> None:
        for _ in range(self._rng.randint(1, 2)):
            await asyncio.sleep(self._rng.random() * 0.1)
            try:
                await self._rng.choice(self._services).read(self._id)
            except NotFound:
                continue


@pytest.fixture
async def caches(server: RedisProcess) -> AsyncIterator[list[RedisCache]]:
    at = RedisServer(host="127.0.0.1", port=server.port)
    # The pool is as wide as the race, so that no call finds it busy.
    caches = [RedisCache(at, Horizon(0), connections=AT_ONCE * 5) for _ in range(2)]
    for cache in caches:
        await cache.open()
    await caches[0].begin(0, None)
    yield caches
    for cache in caches:
        await cache.close()


async def stale_after(number: int, caches: list[RedisCache], rng: random.Random) -> int:
    stale = 0
    for _ in range(number // AT_ONCE):
        races = [Race(caches, rng).stale() for _ in range(AT_ONCE)]
        stale += sum(await asyncio.gather(*races))
    return stale


@pytest.mark.timeout(1800)
async def test_no_stale_copy_is_left_at_rest(caches: list[RedisCache]) -> None:
    assert await stale_after(rounds(2_000, 100_000), caches, dice("races")) == 0


@pytest.mark.parametrize(("script", "weaker"), [("_put", ANY_PUT), ("_drop", NO_TOMBSTONE)])
async def test_the_race_finds_what_is_weaker(
    caches: list[RedisCache], script: str, weaker: str
) -> None:
    """A plain SET in place of the comparison, or DEL in place of the tombstone, is found out."""
    for cache in caches:
        setattr(cache, script, cache._redis.register_script(weaker))
    rng = random.Random(1)
    for _ in range(60):
        if await stale_after(AT_ONCE, caches, rng):
            return
    raise AssertionError("the race cannot tell them apart")
