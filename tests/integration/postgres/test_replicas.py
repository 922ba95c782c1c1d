"""Reads from a replica: only what it has, and only while it is in step."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.postgres import PostgresDatabase, PostgresLog, PostgresProfiles
from profilecore.adapters.postgres.servers import LAG_MAX
from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.feed import Feed
from profilecore.paging import Count, Query, Sort
from profilecore.profile import Profile
from profilecore.service import ProfileService
from profilecore.testing.samples import (
    add,
    person,
    updated,
    write,
)
from tests.support.replication import Pair, replicated, soon

BACK_MAX = 5.0
ANSWER_MAX = 2.0


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture
async def database(pair: Pair) -> AsyncIterator[PostgresDatabase]:
    async with pair.using() as database:
        yield database


def roles(database: PostgresDatabase) -> list[str]:
    return [server.role for server in database.servers()]


def in_step(database: PostgresDatabase) -> bool:
    return all(server.lag <= LAG_MAX for server in database.servers())


async def written(profiles: PostgresProfiles) -> tuple[Profile, int]:
    """A profile, and the position after it."""
    profile = person()
    (event,) = await add(profiles, profile)
    assert isinstance(event, Event)
    return profile, event.position


async def test_a_replica_answers_what_it_has(pair: Pair, database: PostgresDatabase) -> None:
    """And the primary is not asked: it is frozen."""
    profiles = PostgresProfiles(database)
    profile, position = await written(profiles)
    pair.caught_up()
    await soon(lambda: in_step(database), BACK_MAX)
    pair.primary.freeze()
    try:
        found = await profiles.get([profile.id], at_least=position)
        pages = [
            await profiles.list(query, at_least=position)
            for query in (
                Query(email=profile.email),
                Query(ids=frozenset([profile.id])),
                Query(limit=1_000),
                Query(q=profile.email),
            )
        ]
        nothing = await profiles.get([person().id], at_least=position)
        with pytest.raises(Unavailable):
            await profiles.get([profile.id])
    finally:
        pair.primary.thaw()
    assert found == {profile.id: profile}
    assert all(profile in page.profiles for page in pages)
    assert nothing == {}
    await soon(lambda: roles(database) == ["primary", "replica"], BACK_MAX)


async def test_a_page_from_a_replica_is_that_of_the_primary(
    pair: Pair, database: PostgresDatabase
) -> None:
    """Also in its order, in every sort, from the first page to the last."""
    profiles = PostgresProfiles(database)
    events = await add(profiles, *(person() for _ in range(300)))
    pair.caught_up()
    await soon(lambda: in_step(database), BACK_MAX)
    for sort in Sort:
        for count in Count:
            query = Query(limit=70, sort=sort, count=count)
            while True:
                there = await profiles.list(query)
                assert await profiles.list(query, at_least=events[-1].position) == there
                if there.next is None:
                    break
                query = replace(query, after=there.next)


async def test_what_it_does_not_have_yet_comes_from_the_primary(
    pair: Pair, database: PostgresDatabase
) -> None:
    """Replay is paused: pairs of a write and a read of what was written; none is stale."""
    profiles = PostgresProfiles(database)
    profile, _ = await written(profiles)
    pair.caught_up()
    pair.replica.pause_replay()
    stale = 0
    try:
        for _ in range(1_000):
            change = updated(profile, bio=str(time.monotonic_ns()))
            (event,) = await write(profiles, change)
            assert isinstance(event, Event)
            found = await profiles.get([profile.id], at_least=event.position)
            page = await profiles.list(Query(email=profile.email), at_least=event.position)
            stale += found[profile.id] != change.profile
            stale += page.profiles != (change.profile,)
            profile = change.profile
        assert stale == 0
        await soon(lambda: not in_step(database), BACK_MAX)  # it leaves the rotation
    finally:
        pair.replica.resume_replay()
    await soon(lambda: in_step(database), BACK_MAX)


async def test_a_service_gives_nothing_that_is_older_than_it_knows(
    pair: Pair, database: PostgresDatabase
) -> None:
    """Without a token: what others wrote is seen within a second, from whichever server."""
    other = PostgresProfiles(database)
    async with pair.using() as mine:
        log = PostgresLog(mine)
        feed = Feed(MemoryCache(), log, store_era=mine.era)
        service = ProfileService(PostgresProfiles(mine), log, feed, known=feed.known)
        await feed.start()
        following = asyncio.create_task(feed.follow())
        profile, _ = await written(other)
        pair.caught_up()
        pair.replica.pause_replay()
        try:
            for _ in range(3):
                change = updated(profile)
                await write(other, change)
                await asyncio.sleep(1.0)
                assert (await service.read(profile.id)).profile == change.profile
                page = await service.list(Query(email=profile.email))
                assert page.profiles == (change.profile,)
                profile = change.profile
        finally:
            pair.replica.resume_replay()
            following.cancel()


async def test_a_replica_that_is_lost_costs_one_wait_and_comes_back(
    pair: Pair, database: PostgresDatabase
) -> None:
    profiles = PostgresProfiles(database)
    profile, position = await written(profiles)
    pair.caught_up()
    await soon(lambda: in_step(database), BACK_MAX)
    for lose, find in (
        (pair.replica.freeze, pair.replica.thaw),
        (pair.replica.kill, pair.replica.start),
    ):
        lose()
        try:
            for wait_max in (ANSWER_MAX, 0.5, 0.5):
                began = time.monotonic()
                found = await profiles.get([profile.id], at_least=position)
                assert found == {profile.id: profile}
                assert time.monotonic() - began < wait_max
            await soon(lambda: roles(database) == ["primary", "lost"], BACK_MAX)
        finally:
            find()
        await soon(lambda: roles(database) == ["primary", "replica"], BACK_MAX)
        await soon(lambda: in_step(database), BACK_MAX)


async def test_it_opens_without_its_replica(pair: Pair) -> None:
    pair.replica.kill()
    try:
        async with pair.using() as database:
            profiles = PostgresProfiles(database)
            profile, position = await written(profiles)
            assert await profiles.get([profile.id], at_least=position) == {profile.id: profile}
            assert roles(database) == ["primary", "lost"]
            pair.replica.start()
            await soon(lambda: in_step(database), BACK_MAX)
    finally:
        pair.replica.revive()
