"""What one process remembers is kept honest by the log."""

import asyncio
import time
from dataclasses import replace

import pytest

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.errors import Unavailable
from profilecore.feed import CHUNK, Feed
from profilecore.relay import Horizon, Relay
from profilecore.testing.samples import (
    AT,
    NEW_ERA,
    SECOND,
    add,
    deleted,
    person,
    updated,
    write,
)
from tests.unit.core.doubles import Process
from tests.unit.core.shared import MemorySharedCache, Place


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def profiles(store: MemoryStore) -> MemoryProfiles:
    """Those of somebody else: what is written here, the process has to find out."""
    return MemoryProfiles(store)


@pytest.fixture
async def process(store: MemoryStore) -> Process:
    process = Process(store)
    await process.feed.start()
    return process


async def test_nothing_is_trusted_before_the_start(store: MemoryStore) -> None:
    process, profile = Process(store), person()
    await process.feed.put(profile)
    assert not process.feed.current
    assert await process.feed.get([profile.id]) == {}
    await process.feed.start()
    assert process.feed.current
    assert await process.feed.get([profile.id]) == {profile.id: profile}


async def test_a_cache_that_cannot_be_trusted_is_not_waited_for(store: MemoryStore) -> None:
    process = Process(store)
    process.cache.pause = 60
    async with asyncio.timeout(5):
        assert await process.feed.get([person().id]) == {}


async def test_it_starts_at_the_end_of_the_log(
    store: MemoryStore, profiles: MemoryProfiles
) -> None:
    (*_, last) = await add(profiles, person(), person())
    process = Process(store)
    await process.feed.start()
    assert process.feed.position == last.position


async def test_what_others_changed_is_dropped(process: Process, profiles: MemoryProfiles) -> None:
    old, gone, kept = person(), person(), person()
    await add(profiles, old, gone, kept)
    for profile in (old, gone, kept):
        await process.feed.put(profile)
    await write(profiles, updated(old), deleted(gone))
    await process.feed.advance()
    assert await process.feed.get([old.id, gone.id, kept.id]) == {kept.id: kept}


async def test_a_read_that_comes_in_late_does_not_bring_the_old_back(
    process: Process, profiles: MemoryProfiles
) -> None:
    profile = person()
    await add(profiles, profile)
    late = (await process.profiles.get([profile.id]))[profile.id]
    await write(profiles, updated(profile))
    await process.feed.advance()
    await process.feed.put(late)
    assert await process.feed.get([profile.id]) == {}


async def test_its_own_write_stays_in_the_cache(process: Process) -> None:
    written = await process.service.create({"name": "Ada", "email": "a@x.de"}, actor=None)
    await process.feed.advance()
    id_ = written.profile.id
    assert await process.feed.get([id_]) == {id_: written.profile}


async def test_a_long_log_is_read_to_its_end(process: Process, profiles: MemoryProfiles) -> None:
    events = await add(profiles, *(person() for _ in range(2 * CHUNK + 1)))
    await process.feed.advance()
    assert process.feed.position == events[-1].position
    assert process.log.reads == 3


async def test_following_heals_within_the_interval(
    process: Process, profiles: MemoryProfiles
) -> None:
    following = asyncio.create_task(process.feed.follow())
    profile = person()
    await add(profiles, profile)
    for _ in range(5):
        await process.feed.put(profile)
        change = updated(profile)
        await write(profiles, change)
        began = time.monotonic()
        while profile.id in await process.feed.get([profile.id]):
            assert time.monotonic() - began < 1.0
            await asyncio.sleep(0.001)
        profile = change.profile
    following.cancel()


async def test_to_wake_it_is_quicker_than_the_interval(
    store: MemoryStore, profiles: MemoryProfiles
) -> None:
    process = Process(store, interval=60)
    await process.feed.start()
    following = asyncio.create_task(process.feed.follow())
    await asyncio.sleep(0.01)
    (event,) = await add(profiles, person())
    process.feed.wake()
    async with asyncio.timeout(2):
        await process.feed.wait(event.position - 1, 60)
    assert process.feed.position == event.position
    following.cancel()


async def test_an_outage_of_the_log_ends_trust_and_its_return_restores_it(
    process: Process, profiles: MemoryProfiles
) -> None:
    profile = person()
    await add(profiles, profile)
    await process.feed.put(profile)
    following = asyncio.create_task(process.feed.follow())
    await asyncio.sleep(0.05)
    process.log.down = True
    change = updated(profile)
    await write(profiles, change)
    began = time.monotonic()
    while await process.feed.get([profile.id]):
        assert time.monotonic() - began < 2.0, "an entry lives no longer than `trust`"
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert not process.feed.current
    assert not following.done()
    process.log.down = False
    await process.feed.wait(process.feed.position, 2)
    await asyncio.sleep(0.01)
    assert process.feed.current
    assert await process.feed.get([profile.id]) == {}, "the log told of the change"
    await process.feed.put(change.profile)
    assert await process.feed.get([profile.id]) == {profile.id: change.profile}
    following.cancel()


async def test_trust_counts_from_before_the_log_was_read(process: Process) -> None:
    """What was written while the answer was on its way is not in it."""
    process.log.pause = 0.3
    await process.feed.advance()
    assert not process.feed.current


async def test_an_answer_that_comes_too_late_is_not_given(
    process: Process, profiles: MemoryProfiles
) -> None:
    """What the cache had was vouched for when it was asked, and no longer is."""
    profile = person()
    await add(profiles, profile)
    await process.feed.put(profile)
    await process.feed.advance()
    process.cache.pause = 0.1
    assert await process.feed.get([profile.id]) == {profile.id: profile}
    process.cache.pause = 0.25
    await process.feed.advance()
    assert await process.feed.get([profile.id]) == {}


async def test_a_log_that_lost_its_end_takes_the_copies_with_it(
    process: Process, profiles: MemoryProfiles, store: MemoryStore
) -> None:
    """What was written there may never have been; it is newer than what there is now."""
    kept = person()
    await add(profiles, kept)
    lost = updated(kept).profile
    await write(profiles, updated(kept))
    await process.feed.advance()
    await process.feed.put(lost)
    store.events.pop()
    store.set_row(kept.id, kept)
    await process.feed.advance()
    assert process.feed.position == store.newest
    assert await process.feed.get([kept.id]) == {}
    assert process.feed.current
    assert (await process.service.read(kept.id)).profile == kept


@pytest.mark.parametrize("told", ["by an event", "by the store"])
async def test_in_a_new_era_it_begins_anew(store: MemoryStore, told: str) -> None:
    """Also where this process did not see what was lost, but somebody else's copy of it."""
    eras = [0]
    process = Process(store, store_era=lambda: eras[0])
    await process.feed.start()
    profiles, kept, other = MemoryProfiles(store), person(), person()
    await add(profiles, kept)
    await process.feed.advance()
    await process.feed.put(updated(kept).profile)
    if told == "by the store":
        eras[0] = 1
    else:
        store.events.append(replace(store.events[0], position=NEW_ERA, profile_id=other.id))
    await process.feed.advance()
    assert await process.feed.get([kept.id]) == {}
    assert process.feed.current
    await process.feed.put(other)
    await process.feed.advance()
    assert await process.feed.get([other.id]) == {other.id: other}, "it begins anew only once"


async def test_a_new_beginning_that_fails_is_tried_again(store: MemoryStore) -> None:
    eras = [0]
    process = Process(store, store_era=lambda: eras[0])
    await process.feed.start()
    eras[0], kept = 1, person()
    await process.feed.put(kept)
    process.log.no_position = True
    with pytest.raises(Unavailable):
        await process.feed.advance()
    assert await process.feed.get([kept.id]) == {}, "nothing is trusted meanwhile"
    process.log.no_position = False
    await process.feed.advance()
    assert process.feed.current
    assert await process.feed.get([kept.id]) == {}


async def test_in_a_new_era_its_relay_begins_anew_too(store: MemoryStore) -> None:
    eras, horizon = [0], Horizon()
    shared = MemorySharedCache(Place(), horizon)
    log = MemoryLog(store)
    feed = Feed(shared, log, Relay(shared, log, horizon), store_era=lambda: eras[0])
    await feed.start()
    kept = person()
    await add(MemoryProfiles(store), kept)
    await feed.advance()
    await feed.put(kept)
    assert await feed.get([kept.id]) == {kept.id: kept}
    eras[0] = 1
    await feed.advance()
    assert await feed.get([kept.id]) == {}
    relay = feed._relay
    assert relay is not None
    with pytest.raises(Unavailable, match="under way"):
        await relay._catch_up()


async def test_a_trimmed_log_is_followed_from_its_end(
    process: Process, profiles: MemoryProfiles
) -> None:
    events = await add(profiles, *(person(updated_at=AT) for _ in range(3)))
    await MemoryLog(process.log._store).trim(AT + SECOND)
    await process.feed.advance()
    assert process.feed.position == events[-1].position


async def test_a_wait_ends_with_growth_or_with_time(
    process: Process, profiles: MemoryProfiles
) -> None:
    began = time.monotonic()
    await process.feed.wait(0, 0.05)
    assert 0.04 < time.monotonic() - began < 1
    waiting = [asyncio.create_task(process.feed.wait(0, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    await add(profiles, person())
    await process.feed.advance()
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)
        await process.feed.wait(0, 60)


async def test_a_cache_that_fails_is_a_miss(process: Process, profiles: MemoryProfiles) -> None:
    profile = person()
    (event,) = await add(profiles, profile)
    process.cache.down = True
    await process.feed.put(profile)
    await process.feed.drop(profile.id, 1)
    assert await process.feed.get([profile.id]) == {}
    await process.feed.advance()
    assert process.feed.position == event.position
    with pytest.raises(Unavailable):
        await process.cache.get([profile.id])
