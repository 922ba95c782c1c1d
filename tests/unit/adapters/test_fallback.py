"""The circuit breaker: when it turns, and what is not carried over."""

import asyncio

import pytest

from profilecore.adapters.fallback import FallbackCache
from profilecore.adapters.memory import MemoryCache
from profilecore.errors import Unavailable
from profilecore.profile import Entry
from profilecore.relay import Horizon
from profilecore.testing.samples import (
    created,
    deleted,
    person,
    updated,
)
from tests.unit.core.shared import MemorySharedCache, Place


class Breaker:
    """A FallbackCache with its two caches and a clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.turns: list[bool] = []
        self.horizon = Horizon(0)
        self.place = Place()
        self.place.position = 0
        self.primary = MemorySharedCache(self.place, self.horizon)
        self.memory = MemoryCache(clock=lambda: self.now)
        self.cache = FallbackCache(
            self.primary,
            self.memory,
            self.horizon,
            turned=lambda active, why: self.turns.append(active),
            clock=lambda: self.now,
        )


@pytest.fixture
async def breaker() -> Breaker:
    breaker = Breaker()
    await breaker.cache.apply(0, [])
    assert not breaker.cache.active
    breaker.turns.clear()
    breaker.now += 60
    return breaker


async def test_it_begins_in_memory() -> None:
    assert Breaker().cache.active


async def test_a_call_that_is_not_answered_turns_it_at_once(breaker: Breaker) -> None:
    breaker.primary.fails = "timeout"
    assert await breaker.cache.get([person().id]) == {}
    assert breaker.cache.active
    calls = breaker.primary.calls
    await breaker.cache.get([person().id])
    await breaker.cache.put(person())
    await breaker.cache.drop(person().id, 1)
    assert breaker.primary.calls == calls


@pytest.mark.parametrize("verb", ["get", "put", "drop"])
async def test_three_failures_in_a_row_turn_it(breaker: Breaker, verb: str) -> None:
    async def call() -> None:
        profile = person()
        if verb == "get":
            await breaker.cache.get([profile.id])
        elif verb == "put":
            await breaker.cache.put(profile)
        else:
            await breaker.cache.drop(profile.id, 1)

    for _ in range(3):  # a success between them begins the row anew
        for _ in range(2):
            breaker.primary.fails = "unavailable"
            await call()
        breaker.primary.fails = None
        await call()
    assert not breaker.cache.active
    breaker.primary.fails = "unavailable"
    for _ in range(3):
        assert not breaker.cache.active
        await call()
    assert breaker.cache.active


async def test_reads_that_succeed_do_not_hide_that_nothing_can_be_written(breaker: Breaker) -> None:
    for _ in range(3):
        assert not breaker.cache.active
        breaker.primary.fails = None
        await breaker.cache.get([person().id])
        breaker.primary.fails = "unavailable"
        breaker.now += 0.001
        with pytest.raises(Unavailable):
            await breaker.cache.apply(0, [])
    assert breaker.cache.active


async def test_calls_that_fail_together_count_once(breaker: Breaker) -> None:
    class Slow(MemorySharedCache):
        async def put(self, entry: Entry) -> None:
            await asyncio.sleep(0)
            breaker.now += 0.001
            await super().put(entry)

    slow = Slow(breaker.place, breaker.horizon)
    slow.fails = "unavailable"
    breaker.cache._primary = slow
    await asyncio.gather(*(breaker.cache.put(person()) for _ in range(50)))
    assert not breaker.cache.active
    for _ in range(2):
        await breaker.cache.put(person())
    assert breaker.cache.active


async def test_a_busy_pool_is_no_outage(breaker: Breaker) -> None:
    breaker.primary.fails = "busy"
    for _ in range(50):
        await breaker.cache.get([person().id])
        await breaker.cache.put(person())
        await breaker.cache.drop(person().id, 1)
    assert not breaker.cache.active


async def test_a_primary_that_is_behind_is_not_used(breaker: Breaker) -> None:
    breaker.horizon.position = 7
    assert await breaker.cache.apply(7, []) == 0
    assert breaker.cache.active


async def test_it_turns_back_when_in_step(breaker: Breaker) -> None:
    breaker.primary.fails = "timeout"
    with pytest.raises(Unavailable):
        await breaker.cache.apply(0, [])
    breaker.primary.fails = None
    await breaker.cache.apply(0, [])
    assert breaker.cache.active, "not before a moment has passed"
    breaker.now += 0.5
    await breaker.cache.apply(0, [])
    assert not breaker.cache.active
    assert breaker.turns == [True, False]


async def test_one_that_comes_and_goes_is_given_longer(breaker: Breaker) -> None:
    waits = []
    for _ in range(6):
        breaker.primary.fails = "timeout"
        await breaker.cache.get([person().id])
        breaker.primary.fails, began = None, breaker.now
        while breaker.cache.active:
            breaker.now += 0.25
            await breaker.cache.apply(0, [])
        waits.append(breaker.now - began)
    assert waits == [0.5, 1, 2, 4, 4, 4]


async def test_both_turns_empty_the_memory_and_nothing_is_carried_over(breaker: Breaker) -> None:
    shared, own = person(), person()
    await breaker.cache.put(shared)
    breaker.primary.fails = "timeout"
    assert await breaker.cache.get([shared.id]) == {}
    await breaker.cache.put(own)
    assert await breaker.cache.get([own.id]) == {own.id: own}
    breaker.primary.fails = None
    breaker.now += 1
    await breaker.cache.apply(0, [])
    assert breaker.memory.size == 0
    assert await breaker.cache.get([own.id, shared.id]) == {shared.id: shared}
    breaker.primary.fails = "timeout"
    assert await breaker.cache.get([own.id]) == {}


async def test_what_was_dropped_before_the_turn_is_not_brought_back(breaker: Breaker) -> None:
    """A read that began before, ends after."""
    old, other = person(), person()
    breaker.horizon.position = 1
    await breaker.cache.apply(0, [updated(old).event(1)])
    await breaker.cache.drop(other.id, 2)
    breaker.primary.fails = "timeout"
    await breaker.cache.get([old.id])
    assert breaker.cache.active
    await breaker.cache.put(old)
    await breaker.cache.put(other)
    assert await breaker.cache.get([old.id, other.id]) == {}


async def test_in_memory_the_log_is_followed(breaker: Breaker) -> None:
    profile = person()
    breaker.primary.fails = "timeout"
    await breaker.cache.get([])
    await breaker.cache.put(profile)
    with pytest.raises(Unavailable):
        await breaker.cache.apply(0, [created(profile).event(1), deleted(profile).event(2)])
    assert await breaker.cache.get([profile.id]) == {}


async def test_an_emptied_primary_is_not_used_before_it_is_begun_anew(breaker: Breaker) -> None:
    kept, newer = person(), person()
    await breaker.cache.put(kept)
    await breaker.cache.clear()
    assert breaker.turns == [True]
    assert await breaker.cache.get([kept.id]) == {}
    await breaker.cache.put(newer)
    assert await breaker.cache.get([newer.id]) == {newer.id: newer}
    await breaker.cache.begin(0, None)
    breaker.now += 60
    await breaker.cache.apply(0, [])
    assert breaker.turns == [True, False]
    assert await breaker.cache.get([kept.id, newer.id]) == {}


async def test_one_that_cannot_be_emptied_is_not_used_either(breaker: Breaker) -> None:
    breaker.primary.fails = "unavailable"
    await breaker.cache.clear()
    assert breaker.cache.active
