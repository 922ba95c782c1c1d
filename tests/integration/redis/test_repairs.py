"""The copies and the position move in one step, and a read believes them only together."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.relay import Horizon
from profilecore.testing.samples import (
    created,
    deleted,
    person,
    updated,
)
from tests.support.redis import RedisProcess


@pytest.fixture
def horizon() -> Horizon:
    return Horizon(0)


@pytest.fixture
def prefix() -> str:
    return f"repairs{time.monotonic_ns()}"


@pytest.fixture
async def cache(server: RedisProcess, horizon: Horizon, prefix: str) -> AsyncIterator[RedisCache]:
    at = RedisServer(host="127.0.0.1", port=server.port)
    cache = RedisCache(at, horizon, prefix=prefix)
    await cache.open()
    yield cache
    await cache.close()


@pytest.fixture
async def other(server: RedisProcess, prefix: str) -> AsyncIterator[RedisCache]:
    """The same place, as another process has it."""
    at = RedisServer(host="127.0.0.1", port=server.port)
    cache = RedisCache(at, Horizon(0), prefix=prefix)
    await cache.open()
    yield cache
    await cache.close()


async def test_a_new_place_gives_and_takes_nothing(cache: RedisCache) -> None:
    profile = person()
    await cache.put(profile)
    await cache.drop(profile.id, 2)
    assert await cache.position() is None
    assert await cache.apply(0, [created(profile).event(1)]) is None
    await cache.begin(0, None)
    assert await cache.position() == 0
    assert await cache.get([profile.id]) == {}
    await cache.put(profile)
    assert await cache.get([profile.id]) == {profile.id: profile}, "the drop left nothing either"


async def test_events_are_applied_once_and_in_order(cache: RedisCache) -> None:
    await cache.begin(0, None)
    old, gone, kept = person(), person(), person()
    for profile in (old, gone, kept):
        await cache.put(profile)
    events = [
        change.event(number) for number, change in enumerate((updated(old), deleted(gone)), start=1)
    ]
    assert await cache.apply(0, []) == 0
    assert await cache.apply(1, events[1:]) == 0, "over a gap nothing is applied"
    ids = [old.id, gone.id, kept.id]
    assert set(await cache.get(ids)) == set(ids)
    assert await cache.apply(0, events) == 2
    assert await cache.get(ids) == {kept.id: kept}
    await cache.put(gone)
    assert await cache.get(ids) == {kept.id: kept}, "events leave floors"
    assert await cache.apply(0, events[:1]) == 2, "what was applied stays so"


async def test_what_overlaps_is_applied_from_where_it_stands(cache: RedisCache) -> None:
    await cache.begin(3, None)
    profile = person()
    await cache.put(profile)
    assert await cache.apply(1, [updated(profile).event(5)]) == 5
    assert await cache.get([profile.id]) == {}


async def test_nothing_is_believed_that_is_behind_the_horizon(
    cache: RedisCache, horizon: Horizon
) -> None:
    await cache.begin(5, None)
    profile = person()
    await cache.put(profile)
    for position, believed in ((5, True), (6, False), (4, True), (None, False)):
        horizon.position = position
        assert bool(await cache.get([profile.id])) is believed


async def test_a_new_beginning_forgets_everything(cache: RedisCache) -> None:
    await cache.begin(9, None)
    await cache.begin(1, None)
    await cache.begin(1, 8)
    assert await cache.position() == 9, "it replaces only what it was asked to"
    newer = updated(person()).profile
    await cache.put(newer)
    await cache.begin(0, 9)
    assert await cache.position() == 0
    assert await cache.get([newer.id]) == {}
    older = person(id=newer.id)
    await cache.put(older)
    assert await cache.get([newer.id]) == {newer.id: older}, (
        "of another log it may be the right one"
    )


async def test_a_put_that_was_under_way_to_what_is_forgotten_comes_to_nothing(
    cache: RedisCache, other: RedisCache
) -> None:
    """However long it was stuck: the floor that it has to meet is forgotten, too."""
    await cache.begin(5, None)
    profile = person()
    assert await other.get([profile.id]) == {}
    await cache.begin(9, 5)
    await other.put(profile)
    assert await cache.get([profile.id]) == {}
    assert await other.position() == 9
    await other.put(profile)
    assert await cache.get([profile.id]) == {profile.id: profile}


async def test_positions_are_compared_as_numbers(cache: RedisCache) -> None:
    """Beyond 2^53, where Lua's numbers are not exact, and from 9 to 10."""
    for position in (9, 2**53, 2**62):
        await cache.begin(position, await cache.position())
        profile = person()
        await cache.put(profile)
        assert await cache.apply(position, [updated(profile).event(position + 1)]) == position + 1
        assert await cache.get([profile.id]) == {}


async def test_many_at_once_apply_each_event_once(cache: RedisCache) -> None:
    await cache.begin(0, None)
    people = [person() for _ in range(200)]
    events = [updated(p).event(number) for number, p in enumerate(people, start=1)]
    for profile in people:
        await cache.put(profile)

    async def follow(step: int) -> None:
        for start in range(0, 200, step):
            await cache.apply(start, events[start : start + step])

    await asyncio.gather(*(follow(step) for step in (1, 7, 20, 200)))
    assert await cache.position() == 200
    assert await cache.get([p.id for p in people]) == {}
