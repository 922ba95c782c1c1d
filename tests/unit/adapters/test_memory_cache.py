"""The cache in memory: strict about its size, its order, its times and its floors."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.memory import cache as module
from profilecore.profile import Profile
from profilecore.testing.samples import person


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def version(profile: Profile, number: int) -> Profile:
    return replace(profile, version=number)


async def ids(cache: MemoryCache, *people: Profile) -> set[Any]:
    return set(await cache.get([p.id for p in people]))


async def test_it_holds_ten_for_a_day_by_default() -> None:
    cache, people = MemoryCache(), [person() for _ in range(11)]
    for profile in people:
        await cache.put(profile)
    assert (cache.size, cache.evictions, cache.expirations) == (10, 1, 0)
    assert await ids(cache, *people) == {p.id for p in people[1:]}
    assert module.TTL == 24 * 3600


@pytest.mark.parametrize("capacity", [0, -1])
def test_it_needs_room_for_one(capacity: int) -> None:
    with pytest.raises(ValueError, match="capacity"):
        MemoryCache(capacity=capacity)


async def test_one_place_is_enough() -> None:
    cache, people = MemoryCache(capacity=1), [person() for _ in range(3)]
    for profile in people:
        await cache.put(profile)
        assert await ids(cache, *people) == {profile.id}
    assert (cache.size, cache.evictions) == (1, 2)


async def test_there_is_never_one_too_many_not_for_an_instant() -> None:
    """Counted at each step of the dict itself, from all threads and tasks."""
    cache = MemoryCache(capacity=10)
    most = 0

    class Watched(type(cache._copies)):  # type: ignore[misc]
        def __setitem__(self, key: object, value: object) -> None:
            nonlocal most
            time.sleep(0)  # here another thread would come in, if it could
            super().__setitem__(key, value)
            most = max(most, len(self))

    cache._copies = Watched()
    people = [person() for _ in range(40)]

    def work(seed: int) -> None:
        async def play() -> None:
            async def some(start: int) -> None:
                for turn in range(200):
                    profile = people[(start * 7 + turn * seed) % 40]
                    await cache.put(profile)
                    assert len(await cache.get([p.id for p in people])) <= 10
                    assert cache.size <= 10
                    if turn % 5 == 0:
                        await cache.drop(profile.id, profile.version)
                    await asyncio.sleep(0)

            await asyncio.gather(*(some(start) for start in range(4)))

        try:
            asyncio.run(play())
        except BaseException as error:
            failures.append(error)

    failures: list[BaseException] = []
    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 11, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert most == 10
    assert cache.size == 10


async def test_what_has_expired_is_not_counted_and_not_given(clock: Clock) -> None:
    cache, people = MemoryCache(ttl=10, clock=clock), [person() for _ in range(4)]
    for profile in people:
        await cache.put(profile)
        clock.now += 2
    assert (cache.size, cache.expirations) == (4, 0)
    clock.now = 10
    assert (cache.size, cache.expirations) == (3, 1)
    clock.now = 13.9
    assert await ids(cache, *people) == {people[2].id, people[3].id}
    clock.now = 16
    assert cache.expirations == 4
    assert cache.size == 0
    assert cache.evictions == 0


async def test_what_has_expired_makes_room(clock: Clock) -> None:
    cache, people = MemoryCache(capacity=2, ttl=10, clock=clock), [person() for _ in range(3)]
    await cache.put(people[0])
    clock.now = 5
    await cache.put(people[1])
    clock.now = 10
    await cache.put(people[2])
    assert (cache.size, cache.evictions, cache.expirations) == (2, 0, 1)


async def test_a_new_put_keeps_the_place_and_starts_the_time_anew(clock: Clock) -> None:
    cache, people = MemoryCache(capacity=2, ttl=10, clock=clock), [person() for _ in range(3)]
    for profile in people[:2]:
        await cache.put(profile)
    clock.now = 9
    await cache.put(version(people[0], 2))
    clock.now = 11
    assert await ids(cache, *people) == {people[0].id}, "the other one's time is over"
    await cache.put(people[2])
    await cache.put(people[1])
    assert await ids(cache, *people) == {people[1].id, people[2].id}, "the first in went first"
    assert (cache.evictions, cache.expirations) == (1, 1)


async def test_a_drop_is_neither_eviction_nor_expiry(clock: Clock) -> None:
    cache, profile = MemoryCache(clock=clock), person()
    await cache.put(profile)
    await cache.drop(profile.id, 2)
    assert (cache.size, cache.evictions, cache.expirations) == (0, 0, 0)
    clock.now = 2 * module.TTL
    assert cache.expirations == 0


async def test_a_floor_is_kept_for_ten_seconds_and_then_forgotten(clock: Clock) -> None:
    cache, profile = MemoryCache(clock=clock), person()
    await cache.drop(profile.id, 2)
    clock.now = 9.9
    await cache.put(profile)
    assert await ids(cache, profile) == set()
    clock.now = 10
    await cache.put(profile)
    assert await ids(cache, profile) == {profile.id}


async def test_a_floor_is_kept_for_ten_seconds_after_the_copy_went(clock: Clock) -> None:
    """Whether it was pushed out, ran out or was dropped, and however old it was."""
    for way in ("evicted", "expired", "dropped"):
        cache, profile = MemoryCache(capacity=1, ttl=100, clock=clock), person()
        await cache.put(version(profile, 2))
        clock.now += 99
        if way == "evicted":
            await cache.put(person())
        elif way == "dropped":
            await cache.drop(profile.id, 3)
        else:
            clock.now += 1
            assert cache.size == 0
        clock.now += 9.9
        await cache.put(profile)
        assert await ids(cache, profile) == set(), way


async def test_a_floor_that_was_renewed_keeps_no_other(clock: Clock) -> None:
    cache, renewed, other = MemoryCache(clock=clock), person(), person()
    await cache.drop(renewed.id, 2)
    clock.now = 1
    await cache.drop(other.id, 2)
    clock.now = 8
    await cache.drop(renewed.id, 2)
    clock.now = 12
    await cache.put(renewed)
    await cache.put(other)
    assert await ids(cache, renewed, other) == {other.id}


async def test_a_new_drop_renews_a_floor(clock: Clock) -> None:
    cache, profile = MemoryCache(clock=clock), person()
    await cache.drop(profile.id, 3)
    clock.now = 8
    await cache.drop(profile.id, 2)
    clock.now = 17
    await cache.put(version(profile, 2))
    assert await ids(cache, profile) == set()


async def test_floors_are_bounded_and_what_is_forgotten_early_is_refused(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLOORS_MAX", 100)
    cache, known, unknown = MemoryCache(clock=clock), person(), person()
    there = person()
    await cache.put(there)
    forgotten = [person() for _ in range(5)]
    for profile in forgotten:
        await cache.drop(profile.id, 2)
    clock.now = 4
    await cache.drop(known.id, 1)
    for _ in range(99):
        await cache.drop(person().id, 1)
    assert len(cache._floors) == 100
    for profile in (*forgotten, unknown):
        await cache.put(profile)
    assert await ids(cache, *forgotten, unknown) == set()
    await cache.put(known)
    await cache.put(version(there, 2))
    assert await ids(cache, known, there) == {known.id, there.id}, "their floors are known"
    clock.now = 9.9
    await cache.put(forgotten[0])
    assert await ids(cache, forgotten[0]) == set()
    clock.now = 10
    await cache.put(unknown)
    assert await ids(cache, unknown) == {unknown.id}, "what was forgotten is over"


async def test_a_late_drop_does_not_make_a_forgotten_floor_known(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of an older version than the one that was forgotten."""
    monkeypatch.setattr(module, "FLOORS_MAX", 3)
    cache, profile = MemoryCache(clock=clock), person()
    await cache.drop(profile.id, 3)
    for _ in range(3):
        await cache.drop(person().id, 1)
    clock.now = 5
    for _ in range(2):
        await cache.drop(profile.id, 2)
        await cache.put(version(profile, 2))
        assert await ids(cache, profile) == set()
    clock.now = 10
    await cache.put(version(profile, 1))
    assert await ids(cache, profile) == set()
    await cache.put(version(profile, 2))
    assert await ids(cache, profile) == {profile.id}, "what was forgotten is over"


async def test_a_million_floors_take_no_more_room(clock: Clock) -> None:
    cache = MemoryCache(clock=clock)
    for _ in range(module.FLOORS_MAX + 500):
        await cache.drop(person().id, 1)
    assert len(cache._floors) == module.FLOORS_MAX
