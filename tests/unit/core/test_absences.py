"""A 404 is remembered, and never for longer than it is true."""

import asyncio
import time
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryProfiles, MemoryStore
from profilecore.errors import NotFound
from profilecore.event import Change, EventType
from profilecore.identifiers import new_id
from profilecore.profile import Absence, Profile
from profilecore.service import ProfileService, Source
from profilecore.testing.samples import (
    add,
    created,
    deleted,
    person,
    restored,
    write,
)
from tests.unit.core.doubles import Process


class CountedProfiles(MemoryProfiles):
    """Counts its reads, and holds one up after it has read."""

    reads = 0
    hold: asyncio.Event | None = None

    async def get(self, *args: object, **options: object) -> dict[UUID, Profile]:
        self.reads += 1
        found = await super().get(*args, **options)  # type: ignore[arg-type]
        if self.hold is not None:
            hold, self.hold = self.hold, None
            await hold.wait()
        return found


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def profiles(store: MemoryStore) -> CountedProfiles:
    return CountedProfiles(store)


@pytest.fixture
async def process(store: MemoryStore) -> Process:
    process = Process(store, trust=60)
    await process.feed.start()
    return process


@pytest.fixture
def service(process: Process, profiles: CountedProfiles) -> ProfileService:
    return ProfileService(profiles, process.log, process.feed, known=process.feed.known)


async def not_there(service: ProfileService, id_: UUID) -> None:
    with pytest.raises(NotFound):
        await service.read(id_)


async def make(service: ProfileService, *changes: Change) -> None:
    for outcome in await service.commit(changes, atomic=True):
        assert not isinstance(outcome, Exception)


async def test_the_store_is_asked_once_for_what_is_not_there(
    service: ProfileService, profiles: CountedProfiles, process: Process
) -> None:
    gone, unknown = person(), new_id()
    tombstone = deleted(gone)
    await write(profiles, created(gone), tombstone)
    for _ in range(3):
        await not_there(service, gone.id)
        await not_there(service, unknown)
    assert profiles.reads == 2
    known = await process.cache.get([gone.id, unknown])
    assert known == {gone.id: Absence(gone.id, 2), unknown: Absence(unknown, 0)}


async def test_what_is_made_or_restored_after_a_404_is_seen_at_once(
    service: ProfileService, profiles: CountedProfiles
) -> None:
    made, back = person(), person()
    tombstone = deleted(back)
    await write(profiles, created(back), tombstone)
    await not_there(service, made.id)
    await not_there(service, back.id)
    await make(service, created(made), restored(tombstone.profile))
    assert (await service.read(made.id)).source is Source.CACHE
    assert (await service.read(back.id)).profile.version == 3


async def test_another_process_sees_it_within_a_second(
    service: ProfileService, process: Process, store: MemoryStore
) -> None:
    made, back, elsewhere = person(), person(), MemoryProfiles(store)
    tombstone = deleted(back)
    await write(elsewhere, created(back), tombstone)
    await process.feed.advance()
    following = asyncio.create_task(process.feed.follow())
    for id_ in (made.id, back.id):
        await not_there(service, id_)
    began = time.monotonic()
    await add(elsewhere, made)
    await write(elsewhere, restored(tombstone.profile))
    for id_ in (made.id, back.id):
        while id_ in await process.cache.get([id_]):
            assert time.monotonic() - began < 1
            await asyncio.sleep(0.01)
        assert (await service.read(id_)).source is Source.DATABASE
    following.cancel()


@pytest.mark.parametrize("told", ["by its own write", "by the log"])
async def test_a_slow_read_brings_no_404_back(
    service: ProfileService, process: Process, profiles: CountedProfiles, told: str
) -> None:
    """It read the store before the profile was made, or restored, and comes back after."""
    made, back = person(), person()
    tombstone = deleted(back)
    await write(profiles, created(back), tombstone)
    await process.feed.advance()
    for profile, change in ((made, created(made)), (back, restored(tombstone.profile))):
        profiles.hold = go_on = asyncio.Event()
        slow = asyncio.create_task(not_there(service, profile.id))
        await asyncio.sleep(0.01)
        if told == "by the log":
            await write(profiles, change)
            await process.feed.advance()
        else:
            await make(service, change)
        go_on.set()
        await slow
        assert (await service.read(profile.id)).profile == change.profile


async def test_a_write_is_not_decided_on_an_absence(
    service: ProfileService, process: Process
) -> None:
    profile = person()
    await not_there(service, profile.id)
    await write(process.profiles, created(profile))
    await service.update(profile.id, {"bio": "new"}, expected=None, actor=None)
    assert (await service.read(profile.id)).profile.bio == "new"
    assert EventType.UPDATED in {e.type for e in await process.log.read(0, 10)}
