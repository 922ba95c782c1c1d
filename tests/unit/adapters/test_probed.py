"""The probe counts what is stale, and only what it looked at."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from profilecore.adapters.memory import MemoryCache, MemoryProfiles, MemoryStore
from profilecore.adapters.probed import MOST, ProbedCache
from profilecore.errors import Unavailable
from profilecore.testing.samples import (
    add,
    person,
    updated,
    write,
)


class Probed:
    """A cache under probe every few milliseconds, on a store that can fail."""

    def __init__(self) -> None:
        self.active = False
        self.down = False
        self.queries: list[int] = []
        outer = self

        class Profiles(MemoryProfiles):
            async def get(self, ids, *, at_least=None):  # type: ignore[no-untyped-def]
                assert at_least is None, "the primary is asked"
                outer.queries.append(len(ids))
                if outer.down:
                    raise Unavailable("down")
                return await super().get(ids)

        self.registry = CollectorRegistry()
        self.profiles = Profiles(MemoryStore())
        self.cache = ProbedCache(
            MemoryCache(capacity=200),
            self.profiles,
            self.registry,
            lambda: self.active,
            interval=0.02,
            pause=0.01,
        )

    def counted(self) -> tuple[float, float]:
        value = self.registry.get_sample_value
        return value("cache_probed_total") or 0, value("cache_inconsistent_total") or 0


@asynccontextmanager
async def probed() -> AsyncIterator[Probed]:
    made = Probed()
    task = asyncio.create_task(made.cache.watch())
    try:
        yield made
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_it_counts_what_was_read_and_what_is_stale() -> None:
    async with probed() as probe:
        fine, old, unread = person(), person(), person()
        await add(probe.profiles, fine, old, unread)
        for profile in (fine, old, unread):
            await probe.cache.put(profile)
        await write(probe.profiles, updated(old), updated(unread))
        assert probe.counted() == (0, 0)
        await probe.cache.get([fine.id, old.id])
        await eventually(lambda: probe.counted() == (2, 1))
        await asyncio.sleep(0.1)
        assert probe.counted() == (2, 1), "what is not read is not asked for"
        assert len(probe.queries) == 2


async def test_one_probe_is_small() -> None:
    async with probed() as probe:
        people = [person() for _ in range(MOST + 20)]
        await add(probe.profiles, *people)
        for profile in people:
            await probe.cache.put(profile)
        await probe.cache.get([p.id for p in people])
        await eventually(lambda: probe.counted() == (MOST, 0))
        assert probe.queries == [MOST]


async def test_it_rests_in_fallback() -> None:
    async with probed() as probe:
        profile = person()
        await probe.cache.put(profile)
        probe.active = True
        await probe.cache.get([profile.id])
        await asyncio.sleep(0.1)
        assert (probe.counted(), probe.queries) == ((0, 0), [])


async def test_it_goes_on_after_an_outage() -> None:
    async with probed() as probe:
        profile = person()
        await add(probe.profiles, profile)
        await probe.cache.put(profile)
        probe.down = True
        await probe.cache.get([profile.id])
        await eventually(lambda: probe.queries)
        assert probe.counted() == (0, 0)
        probe.down = False
        await probe.cache.get([profile.id])
        await eventually(lambda: probe.counted() == (1, 0))
