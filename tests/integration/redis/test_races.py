"""Fills race with writes and deletions over a real Redis: nothing stale is left."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.redis import RedisCache, RedisServer, connection
from profilecore.errors import NotFound, ProfilecoreError
from profilecore.event import Change, Event
from profilecore.profile import Absence, Profile
from profilecore.receipt import Receipt
from profilecore.relay import Horizon
from profilecore.service import ProfileService
from tests.support.campaign import campaign, rounds
from tests.support.redis import RedisProcess

AT_ONCE = 100
PATIENCE = 60.0
ANY_PUT = """
local epoch = string.match(redis.call('GET', KEYS[1]), '^(%x+):')
redis.call('SET', KEYS[2], epoch .. ':' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3])
"""
NO_TOMBSTONE = "redis.call('DEL', KEYS[2])"


Injected = Callable[[str], None]


class SlowProfiles(MemoryProfiles):
    """Takes a while after it has read or written, before the caller knows."""

    def __init__(self, store: MemoryStore, rng: random.Random, injected: Injected) -> None:
        super().__init__(store)
        self._rng = rng
        self._injected = injected

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        found = await super().get(ids, at_least=at_least)
        await self._pause("delay between read and fill")
        return found

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        outcomes = await super().write(changes, atomic=atomic, receipt=receipt)
        await self._pause("delay between commit and cache write")
        return outcomes

    async def _pause(self, where: str) -> None:
        seconds = self._rng.choice([0, 0.02, 0.1]) * self._rng.random()
        if seconds:
            self._injected(where)
        await asyncio.sleep(seconds)


class Race:
    """A profile with a writer and three readers, each in one of two processes."""

    def __init__(
        self, caches: list[RedisCache], rng: random.Random, injected: Injected = lambda what: None
    ) -> None:
        self._rng = rng
        self._caches = caches
        self._injected = injected
        self._store = MemoryStore()
        profiles = SlowProfiles(self._store, rng, injected)
        self._services = [
            ProfileService(profiles, MemoryLog(self._store), cache) for cache in caches
        ]

    async def stale(self) -> bool:
        """Whether the cache holds, at rest, what is not so."""
        written = await self._services[0].create({"name": "A", "email": "a@x.de"}, actor=None)
        self._id = written.profile.id
        if self._rng.random() < 0.5:
            await self._caches[0].drop(self._id, written.profile.version)
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._write(), *(self._read() for _ in range(3))):
                    tasks.create_task(work)
        finally:  # a write ends, whoever is cancelled
            for service in self._services:
                await asyncio.gather(*service._under_way, return_exceptions=True)
        (truth,) = (await MemoryProfiles(self._store).get([self._id])).values()
        cached = (await self._caches[1].get([self._id])).get(self._id)
        if truth.deleted_at is not None:
            return cached not in (None, Absence(self._id, truth.version))
        return cached not in (None, truth)

    async def _write(self) -> None:
        for _ in range(self._rng.randint(1, 3)):
            service = self._rng.choice(self._services)
            await asyncio.sleep(self._rng.random() * 0.02)
            try:
                if self._rng.random() < 0.4:
                    await service.remove(self._id, expected=None, actor=None)
                    self._injected("deletion")
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
async def caches(
    server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[RedisCache]]:
    # Without a log nothing repairs what a call loses, so that here none may be given up.
    for bound in ("CONNECT_MAX", "CALL_MAX", "WAIT_MAX"):
        monkeypatch.setattr(connection, bound, PATIENCE)
    at = RedisServer(host="127.0.0.1", port=server.port)
    caches = [RedisCache(at, Horizon(0), connections=AT_ONCE) for _ in range(2)]
    for cache in caches:
        await cache.open()
    await caches[0].begin(0, await caches[0].position())
    yield caches
    for cache in caches:
        await cache.close()


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_no_stale_copy_is_left_at_rest(caches: list[RedisCache]) -> None:
    """As many as `AT_ONCE` go on at any time, each with a profile of its own."""
    with campaign("races", rounds(800, 100_000), "interleavings") as run:
        seeds = iter([run.dice.random() for _ in range(run.number)])

        async def work() -> None:
            for seed in seeds:
                race = Race(caches, random.Random(seed), run.injected)
                run.passed(stale=await race.stale())

        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(work())
        assert (run.stale, run.done) == (0, run.number)


@pytest.mark.parametrize(("script", "weaker"), [("_put", ANY_PUT), ("_drop", NO_TOMBSTONE)])
async def test_the_race_finds_what_is_weaker(
    caches: list[RedisCache], script: str, weaker: str
) -> None:
    """A plain SET in place of the comparison, or DEL in place of the tombstone, is found out."""
    for cache in caches:
        setattr(cache, script, cache._redis.register_script(weaker))
    rng = random.Random(1)
    for _ in range(60):
        if any(await asyncio.gather(*(Race(caches, rng).stale() for _ in range(AT_ONCE)))):
            return
    raise AssertionError("the race cannot tell them apart")
