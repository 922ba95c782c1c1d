"""A shared cache is brought in step with the log, whoever wrote and whoever was away."""

import asyncio
import time
from dataclasses import replace

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.errors import Unavailable
from profilecore.relay import CHUNK, READ_MAX, SHORT, Horizon, Relay
from profilecore.testing.samples import (
    AT,
    NEW_ERA,
    SECOND,
    add,
    person,
    updated,
    write,
)
from tests.unit.core.shared import MemorySharedCache, Place


class Follower:
    """One process: its horizon, its way to the shared cache, its relay."""

    def __init__(self, store: MemoryStore, place: Place) -> None:
        self.now = 1_000.0
        self.horizon = Horizon()
        self.cache = MemorySharedCache(place, self.horizon)
        self.log = MemoryLog(store)
        self.relay = Relay(self.cache, self.log, self.horizon, clock=lambda: self.now)

    async def start(self) -> None:
        await self.relay.start(await self.log.position())

    async def tick(self) -> None:
        after = self.horizon.position or 0
        await self.relay.pass_on(after, await self.log.read(after, CHUNK))

    async def caught_up(self) -> None:
        running = asyncio.create_task(self.relay.run())
        began = time.monotonic()
        while self.relay._behind.is_set():
            assert time.monotonic() - began < 3
            await asyncio.sleep(0.01)
        running.cancel()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def profiles(store: MemoryStore) -> MemoryProfiles:
    return MemoryProfiles(store)


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
async def follower(store: MemoryStore, place: Place) -> Follower:
    follower = Follower(store, place)
    await follower.start()
    return follower


async def test_a_new_place_begins_and_is_in_step(follower: Follower, place: Place) -> None:
    assert place.begun == [0]
    profile = person()
    await follower.cache.put(profile)
    assert await follower.cache.get([profile.id]) == {profile.id: profile}


async def test_what_nobody_saw_is_applied_at_the_start(
    store: MemoryStore, profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    """The writer was cut off and killed, and nobody else was there."""
    profile = person()
    await add(profiles, profile)
    await follower.cache.put(profile)
    await write(profiles, updated(profile))
    again = Follower(store, place)
    await again.start()
    assert await again.cache.get([profile.id]) == {}
    assert place.position == again.horizon.position == 2


async def test_a_long_gap_is_closed_in_chunks(
    store: MemoryStore, profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    await add(profiles, *(person() for _ in range(2 * CHUNK + 1)))
    again = Follower(store, place)
    await again.start()
    assert place.position == 2 * CHUNK + 1


async def test_a_process_does_not_believe_what_is_behind_its_horizon(
    profiles: MemoryProfiles, follower: Follower
) -> None:
    profile = person()
    await add(profiles, profile)
    await follower.tick()
    await follower.cache.put(profile)
    await write(profiles, updated(profile))
    follower.cache.fails = "unavailable"
    await follower.tick()  # it knows now, and could not say so
    follower.cache.fails = None
    assert await follower.cache.get([profile.id]) == {}
    await follower.caught_up()
    assert follower.cache.place.position == 2


async def test_a_position_that_went_back_is_made_good(
    profiles: MemoryProfiles, follower: Follower, place: Place
) -> None:
    """As after a restart from a snapshot."""
    profile = person()
    await add(profiles, profile)
    await write(profiles, updated(profile))
    await follower.tick()
    place.position = 1
    place.cache = type(place.cache)(capacity=10)
    await place.cache.put(profile)
    assert await follower.cache.get([profile.id]) == {}
    await follower.tick()
    await follower.caught_up()
    assert await follower.cache.get([profile.id]) == {}
    assert place.position == 2


async def test_another_log_begins_anew(store: MemoryStore, place: Place) -> None:
    """A database that was restored: the position of the cache is beyond its end."""
    place.position = 500
    profile = person()
    await place.cache.put(profile)
    follower = Follower(store, place)
    await follower.start()
    assert place.begun == [0]
    assert await follower.cache.get([profile.id]) == {}


async def test_a_trimmed_log_begins_where_it_stood_before_any_read_under_way(
    store: MemoryStore, profiles: MemoryProfiles, place: Place
) -> None:
    await add(profiles, *(person(updated_at=AT) for _ in range(3)))
    await MemoryLog(store).trim(AT + SECOND)
    place.position = 1
    follower = Follower(store, place)
    await follower.start()
    assert place.position == 0, "tried, and the log does not go back that far"
    follower.now += 9.9
    with pytest.raises(Unavailable):
        await follower.relay._catch_up()
    await add(profiles, person())
    await follower.tick()
    assert follower.horizon.position == 4
    follower.now += 0.2
    await follower.caught_up()
    assert place.begun[-1] == 3, "not where it stands now: a read may bring in what is older"
    assert place.position == 4


async def test_a_long_log_is_not_read_from_its_start(
    store: MemoryStore, profiles: MemoryProfiles, place: Place
) -> None:
    follower = Follower(store, place)
    follower.cache.fails = "unavailable"
    await follower.start()
    follower.cache.fails = None
    follower.relay._move(SHORT + 1)
    with pytest.raises(Unavailable):
        await follower.relay._catch_up()
    assert place.begun == []


async def test_an_outage_is_waited_out(profiles: MemoryProfiles, follower: Follower) -> None:
    follower.cache.fails = "timeout"
    await add(profiles, person())
    await follower.tick()
    running = asyncio.create_task(follower.relay.run())
    await asyncio.sleep(0.1)
    calls = follower.cache.calls
    await asyncio.sleep(0.1)
    assert follower.cache.calls == calls, "it pauses between its attempts"
    follower.cache.fails = None
    await asyncio.sleep(0.4)
    assert follower.cache.place.position == 1
    running.cancel()


async def test_the_start_does_not_wait_for_long(store: MemoryStore, place: Place) -> None:
    class Silent(MemorySharedCache):
        async def position(self) -> int | None:
            await asyncio.Event().wait()
            return None

    follower = Follower(store, place)
    relay = Relay(Silent(place, follower.horizon), follower.log, follower.horizon)
    began = time.monotonic()
    await relay.start(0)
    assert 0.9 < time.monotonic() - began < 1.5


async def test_a_place_of_an_earlier_era_is_left_behind(
    store: MemoryStore, profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    """It may hold what was lost, newer than all there is; nothing in the log would drop it."""
    kept, other = person(), person()
    (first,) = await add(profiles, kept)
    await follower.tick()
    await follower.cache.put(updated(kept).profile)
    store.events.append(replace(first, position=NEW_ERA, profile_id=other.id))
    for _ in range(2):
        follower.now += READ_MAX
        await follower.tick()
    await follower.caught_up()
    assert await follower.cache.get([kept.id]) == {}
    assert len(place.begun) == 2
    assert place.position == NEW_ERA
    again = Follower(store, place)
    await again.start()
    assert len(place.begun) == 2, "who comes later finds it done"


async def test_after_a_restart_it_waits_for_the_reads_under_way(
    profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    """What they bring in late would meet no floor, however short the log is."""
    await add(profiles, person())
    await follower.tick()
    follower.now += READ_MAX  # what was known before is not of this log
    await follower.tick()
    await follower.cache.clear()
    follower.relay.restart(1)
    running = asyncio.create_task(follower.relay.run())
    await asyncio.sleep(0.05)
    assert place.position is None
    follower.now += READ_MAX
    await follower.tick()
    await asyncio.sleep(0.4)
    running.cancel()
    assert place.position == 1


async def test_a_position_that_the_log_lost_is_not_begun_at_for_ever(
    store: MemoryStore, profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    await add(profiles, person(), person())
    await follower.tick()
    follower.now += READ_MAX
    store.events.clear()
    with pytest.raises(Unavailable):
        await follower.relay._catch_up()
    assert len(place.begun) == 2


async def test_a_beginning_that_the_log_lost_is_tried_once(
    store: MemoryStore, profiles: MemoryProfiles, place: Place, follower: Follower
) -> None:
    """Until the feed finds it out, and says where the log ends now."""
    await add(profiles, person(), person())
    await follower.tick()
    for _ in range(2):
        follower.now += READ_MAX
        await follower.tick()
    store.events.pop()
    await follower.cache.clear()
    with pytest.raises(Unavailable):
        await follower.relay._catch_up()
    assert place.begun == [0, 2]
