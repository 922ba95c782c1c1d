"""The use cases of profiles, on adapters in memory."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.noop import NoopCache
from profilecore.errors import Conflict, Invalid, NotFound
from profilecore.event import Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Page, Query
from profilecore.profile import Profile
from profilecore.refusals import Expected
from profilecore.service import REREADS, ProfileService, Source
from profilecore.testing.samples import (
    AT,
    add,
    deleted,
    person,
    updated,
    write,
)
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


async def test_what_was_created_is_read_from_the_cache_or_fresh(service: ProfileService) -> None:
    written = await service.create({**ADA, "bio": "x"}, actor="me")
    profile = written.profile
    assert (profile.name, profile.bio, profile.owner, profile.version) == ("Ada", "x", "me", 1)
    cached = await service.read(profile.id)
    assert (cached.profile, cached.source) == (profile, Source.CACHE)
    fresh = await service.read(profile.id, seen=10**6)
    assert (fresh.profile, fresh.source) == (profile, Source.DATABASE)


async def test_a_read_fills_the_cache(service: ProfileService, process: Process) -> None:
    profile = person()
    await add(process.profiles, profile)
    sources = [(await service.read(profile.id)).source for _ in range(2)]
    assert sources == [Source.DATABASE, Source.CACHE]


async def test_what_is_not_there_is_not_found(service: ProfileService) -> None:
    calls: list[Any] = [
        service.read(new_id()),
        service.update(new_id(), {}, expected=None, actor=None),
        service.remove(new_id(), expected=None, actor=None),
        service.restore(new_id(), expected=None, actor=None),
        service.history(new_id(), before=None, limit=1),
    ]
    for call in calls:
        with pytest.raises(NotFound) as error:
            await call
        assert error.value.code == "not_found"


async def test_bad_values_change_nothing(service: ProfileService, process: Process) -> None:
    with pytest.raises(Invalid):
        await service.create({"name": "Ada"}, actor=None)
    with pytest.raises(Invalid):
        await service.create({**ADA, "version": 3}, actor=None)
    written = await service.create(ADA, actor=None)
    with pytest.raises(Invalid):
        await service.update(written.profile.id, {"email": "x"}, expected=None, actor=None)
    assert await process.log.position() == written.position
    with pytest.raises(Conflict) as taken:
        await service.create({**ADA, "email": "ADA@example.com"}, actor=None)
    assert taken.value.code == "email_taken"


async def test_an_update_keeps_the_fields_left_out(service: ProfileService) -> None:
    first = (await service.create({**ADA, "bio": "x"}, actor="me")).profile
    written = await service.update(first.id, {"name": "Countess"}, expected=None, actor="you")
    assert written.profile.values() == {**first.values(), "name": "Countess"}
    assert (written.profile.version, written.profile.owner) == (2, "me")
    assert (await service.read(first.id)).profile == written.profile
    (event, _) = await service.history(first.id, before=None, limit=5)
    assert (event.type, event.actor, event.position) == (
        EventType.UPDATED,
        "you",
        written.position,
    )


@pytest.mark.parametrize("verb", ["update", "remove"])
async def test_a_version_that_was_seen_has_to_be_there_still(
    service: ProfileService, process: Process, verb: str
) -> None:
    first = (await service.create(ADA, actor=None)).profile
    second = updated(first, bio="2").profile
    await service.update(first.id, {"bio": "2"}, expected=1, actor=None)

    async def call(expected: Expected) -> None:
        if verb == "update":
            await service.update(first.id, {}, expected=expected, actor=None)
        else:
            await service.remove(first.id, expected=expected, actor=None)

    for cached in (True, False):
        wrongs: tuple[Expected, ...] = (1, 3, [], [1, 3])
        for wrong in wrongs:
            with pytest.raises(Conflict) as refused:
                await call(wrong)
            assert (refused.value.code, refused.value.version) == ("stale_version", 2)
            if not cached:
                await process.cache.drop(first.id, 3)
    assert (await service.read(first.id, seen=10**6)).profile.version == second.version
    await call(2 if verb == "update" else [1, 2])


async def test_an_old_copy_does_not_hide_that_the_expected_version_is_there(
    service: ProfileService, process: Process
) -> None:
    first = (await service.create(ADA, actor=None)).profile
    await write(process.profiles, updated(first, bio="by another process"))
    with pytest.raises(Conflict) as refused:
        await service.update(first.id, {}, expected=1, actor=None)
    assert refused.value.version == 2
    written = await service.update(first.id, {"name": "x"}, expected=2, actor=None)
    assert (written.profile.version, written.profile.bio) == (3, "by another process")


async def test_a_write_on_an_old_copy_is_made_again_on_the_new(
    service: ProfileService, process: Process
) -> None:
    first = (await service.create(ADA, actor=None)).profile
    await write(process.profiles, updated(first, bio="by another process"))
    written = await service.update(first.id, {"name": "Countess"}, expected=None, actor=None)
    assert (written.profile.version, written.profile.bio) == (3, "by another process")
    assert written.profile.name == "Countess"


async def test_a_write_gives_up_where_others_are_always_faster(
    service: ProfileService, process: Process, store: MemoryStore
) -> None:
    first = (await service.create(ADA, actor=None)).profile
    other = Process(store).profiles

    async def be_faster() -> None:
        stored = (await other.get([first.id]))[first.id]
        await write(other, updated(stored))

    process.profiles.before_write = be_faster
    with pytest.raises(Conflict) as refused:
        await service.update(first.id, {"name": "x"}, expected=None, actor=None)
    assert refused.value.code == "conflict"
    assert (await service.read(first.id, seen=10**6)).profile.version == 1 + REREADS


async def test_a_profile_is_deleted_once_and_brought_back(service: ProfileService) -> None:
    first = (await service.create({**ADA, "bio": "x"}, actor=None)).profile
    gone = await service.remove(first.id, expected=None, actor=None)
    assert gone.profile.deleted_at is not None
    for seen in (0, 10**6):
        with pytest.raises(NotFound):
            await service.read(first.id, seen=seen)
    with pytest.raises(NotFound):
        await service.remove(first.id, expected=None, actor=None)
    with pytest.raises(NotFound):
        await service.update(first.id, {}, expected=None, actor=None)
    assert (await service.list(Query())).profiles == ()
    with pytest.raises(Conflict) as stale:
        await service.restore(first.id, expected=1, actor=None)
    assert stale.value.version == 2
    back = await service.restore(first.id, expected=2, actor="me")
    assert back.profile.values() == first.values()
    assert (await service.read(first.id)).profile == back.profile
    with pytest.raises(Conflict) as alive:
        await service.restore(first.id, expected=None, actor=None)
    assert alive.value.code == "not_deleted"
    types = [e.type for e in await service.history(first.id, before=None, limit=9)]
    assert types == [EventType.RESTORED, EventType.DELETED, EventType.CREATED]


async def test_a_restore_is_refused_where_the_email_was_taken(service: ProfileService) -> None:
    first = (await service.create(ADA, actor=None)).profile
    await service.remove(first.id, expected=None, actor=None)
    await service.create(ADA, actor=None)
    with pytest.raises(Conflict) as taken:
        await service.restore(first.id, expected=None, actor=None)
    assert taken.value.code == "email_taken"


async def test_a_tombstone_can_be_restored_for_thirty_days(process: Process) -> None:
    now = [AT]

    def clock() -> datetime:
        return now[0]

    service = ProfileService(process.profiles, process.log, process.feed, clock=clock)
    first = (await service.create(ADA, actor=None)).profile
    await service.remove(first.id, expected=None, actor=None)
    now[0] += timedelta(days=30)
    await service.restore(first.id, expected=None, actor=None)
    await service.remove(first.id, expected=None, actor=None)
    now[0] += timedelta(days=30, microseconds=1)
    with pytest.raises(NotFound):
        await service.restore(first.id, expected=None, actor=None)


async def test_history_goes_on_below_a_position(service: ProfileService) -> None:
    id_ = (await service.create(ADA, actor=None)).profile.id
    for n in range(4):
        await service.update(id_, {"bio": str(n)}, expected=None, actor=None)
    first = await service.history(id_, before=None, limit=2)
    second = await service.history(id_, before=first[-1].position, limit=9)
    assert [e.version for e in (*first, *second)] == [5, 4, 3, 2, 1]
    assert await service.history(id_, before=1, limit=9) == []


async def test_an_export_gives_each_living_profile_once_oldest_first(
    service: ProfileService, process: Process
) -> None:
    people = [person() for _ in range(2_001)]
    await add(process.profiles, *people)
    await write(process.profiles, deleted(people[7]))
    pages = [page async for page in service.export()]
    assert [len(page) for page in pages] == [1_000, 1_000]
    assert [p for page in pages for p in page] == people[:7] + people[8:]


async def test_each_write_is_announced(process: Process) -> None:
    announced: list[None] = []
    service = ProfileService(
        process.profiles, process.log, process.feed, announce=lambda: announced.append(None)
    )
    id_ = (await service.create(ADA, actor=None)).profile.id
    await service.remove(id_, expected=None, actor=None)
    await service.restore(id_, expected=None, actor=None)
    assert len(announced) == 3


async def test_commit_gives_what_was_stored_or_why_not(
    service: ProfileService, process: Process
) -> None:
    one = service.creation(ADA, actor=None)
    two = service.creation(ADA, actor=None)
    outcomes = await service.commit([one, two], atomic=False)
    assert not isinstance(outcomes[0], Conflict | Event)
    assert isinstance(outcomes[1], Conflict)
    cached: dict[UUID, object] = dict(await process.cache.get([one.profile.id, two.profile.id]))
    assert cached == {one.profile.id: one.profile}
    assert list(await service.commit([], atomic=True)) == []


class ToldProfiles(MemoryProfiles):
    """Notes how far each read has to see."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.asked: list[int | None] = []

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        self.asked.append(at_least)
        return await super().get(ids, at_least=at_least)

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        self.asked.append(at_least)
        return await super().list(query, at_least=at_least)


@pytest.mark.parametrize(
    ("known", "seen", "at_least"), [(None, 9, None), (7, 0, 7), (7, 5, 7), (7, 9, 9)]
)
async def test_a_read_has_to_see_what_is_known_and_what_was_seen(
    known: int | None, seen: int, at_least: int | None
) -> None:
    """And what a write is decided on, everything."""
    store = MemoryStore()
    profiles = ToldProfiles(store)
    service = ProfileService(profiles, MemoryLog(store), NoopCache(), known=lambda: known)
    id_ = (await service.create(ADA, actor=None)).profile.id
    await service.read(id_, seen=seen)
    await service.list(Query(), seen=seen)
    assert profiles.asked == [at_least, at_least]
    await service.update(id_, {"bio": "x"}, expected=1, actor=None)
    await service.remove(id_, expected=None, actor=None)
    await service.restore(id_, expected=None, actor=None)
    assert set(profiles.asked[2:]) == {None}
