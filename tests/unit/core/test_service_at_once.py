"""Callers that give up, caches that fail, and processes that write at once."""

import asyncio
import time
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.noop import NoopCache
from profilecore.errors import Unavailable
from profilecore.profile import Absence, Entry
from profilecore.service import ProfileService, Source
from profilecore.testing.samples import created, deleted, person
from tests.unit.core.doubles import Process

ADA = {"name": "Ada", "email": "ada@example.com"}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def process(store: MemoryStore) -> Process:
    process = Process(store, trust=60)
    await process.feed.start()
    return process


@pytest.fixture
def service(process: Process) -> ProfileService:
    return process.service


async def test_a_caller_that_is_cancelled_does_not_undo_a_commit(
    service: ProfileService, process: Process
) -> None:
    """Nor does it leave the old copy in the cache."""
    first = (await service.create(ADA, actor=None)).profile
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    process.profiles.before_write = hold
    caller = asyncio.create_task(
        service.update(first.id, {"bio": "new"}, expected=None, actor=None)
    )
    await inside.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await asyncio.sleep(0.01)
    assert (await process.profiles.get([first.id]))[first.id].bio == "new"
    cached = await process.cache.get([first.id])
    assert cached[first.id].version == 2


async def test_a_failed_write_is_told(service: ProfileService, process: Process) -> None:
    async def fail() -> None:
        raise Unavailable("down")

    process.profiles.before_write = fail
    with pytest.raises(Unavailable):
        await service.create(ADA, actor=None)


async def test_a_broken_cache_costs_speed_and_nothing_else(
    service: ProfileService, process: Process
) -> None:
    process.cache.down = True
    id_ = (await service.create(ADA, actor=None)).profile.id
    await service.update(id_, {"bio": "x"}, expected=1, actor=None)
    reading = await service.read(id_)
    assert (reading.profile.bio, reading.source) == ("x", Source.DATABASE)
    await service.remove(id_, expected=2, actor=None)


async def test_two_processes_agree_within_the_interval(store: MemoryStore) -> None:
    """What one has written, the other one never hides longer than its feed takes."""
    writer, reader = Process(store), Process(store)
    for process in (writer, reader):
        await process.feed.start()
    tasks = [asyncio.create_task(p.feed.follow()) for p in (writer, reader)]
    id_ = (await writer.service.create(ADA, actor=None)).profile.id
    seen_old = 0
    for turn in range(10):
        await reader.service.read(id_)
        written = await writer.service.update(id_, {"bio": str(turn)}, expected=None, actor=None)
        assert (await writer.service.read(id_)).profile == written.profile
        answered = time.monotonic()
        while (await reader.service.read(id_)).profile != written.profile:
            seen_old += 1
            assert time.monotonic() - answered < 1.0
            await asyncio.sleep(0.001)
    assert seen_old, "the reader did use its cache"
    for task in tasks:
        task.cancel()


async def test_readers_and_writers_at_once_see_no_version_go_back(store: MemoryStore) -> None:
    """In each process a read that follows a read never gives an older version."""
    processes = [Process(store) for _ in range(3)]
    for process in processes:
        await process.feed.start()
    following = [asyncio.create_task(p.feed.follow()) for p in processes]
    id_ = (await processes[0].service.create(ADA, actor=None)).profile.id
    done = asyncio.Event()

    async def read(service: ProfileService) -> None:
        last = 0
        while not done.is_set():
            version = (await service.read(id_)).profile.version
            assert version >= last
            last = version
            await asyncio.sleep(0)

    async def bump(service: ProfileService) -> None:
        for _ in range(30):
            await service.update(id_, {}, expected=None, actor=None)
            await asyncio.sleep(0.001)

    readers = [asyncio.create_task(read(p.service)) for p in processes]
    await asyncio.gather(*(bump(p.service) for p in processes))
    done.set()
    await asyncio.gather(*readers)
    assert (await processes[0].service.read(id_, seen=10**6)).profile.version == 91
    for task in following:
        task.cancel()


async def test_a_slow_cache_costs_a_batch_as_much_as_one_write() -> None:
    class Slow(NoopCache):
        at_once = most = 0

        async def put(self, entry: Entry) -> None:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0)
            self.at_once -= 1

        async def drop(self, profile_id: UUID, version: int) -> None:
            await self.put(Absence(profile_id, version))

    store, cache = MemoryStore(), Slow()
    service = ProfileService(MemoryProfiles(store), MemoryLog(store), cache)
    some = [created(person()) for _ in range(100)]
    await service.commit([*some, *(deleted(c.profile) for c in some)], atomic=False)
    assert cache.most == 200
