"""What is stale, and what only looks so for a moment."""

import asyncio
from dataclasses import replace

import pytest

from profilecore.adapters.memory import MemoryCache, MemoryProfiles, MemoryStore
from profilecore.identifiers import new_id
from profilecore.inspection import Finding, Stale, inspected
from profilecore.profile import Absence
from profilecore.testing.samples import (
    add,
    deleted,
    person,
    updated,
    write,
)


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache(capacity=100)


@pytest.fixture
def profiles() -> MemoryProfiles:
    return MemoryProfiles(MemoryStore())


async def test_it_tells_what_is_stale(cache: MemoryCache, profiles: MemoryProfiles) -> None:
    fine, old, gone, lost, uncached = (person() for _ in range(5))
    await add(profiles, fine, old, gone, uncached)
    await write(profiles, updated(old), deleted(gone))
    for profile in (fine, old, gone, lost):
        await cache.put(profile)
    ids = [p.id for p in (fine, old, gone, lost, uncached)]
    finding = await inspected(cache, profiles, ids, pause=0)
    assert finding.cached == 4
    assert set(finding.stale) == {
        Stale(old.id, 1, 2),
        Stale(gone.id, 1, 2),
        Stale(lost.id, 1, None),
    }


async def test_absences_are_compared_too(cache: MemoryCache, profiles: MemoryProfiles) -> None:
    alive, gone, unknown = person(), person(), new_id()
    await add(profiles, alive, gone)
    await write(profiles, deleted(gone))
    for absence in (Absence(alive.id, 0), Absence(gone.id, 2), Absence(unknown, 0)):
        await cache.put(absence)
    finding = await inspected(cache, profiles, [alive.id, gone.id, unknown], pause=0)
    assert finding == Finding(3, (Stale(alive.id, 0, 1),))


async def test_the_version_alone_is_not_enough(
    cache: MemoryCache, profiles: MemoryProfiles
) -> None:
    alive, gone = person(), person()
    await add(profiles, alive, gone)
    tombstone = deleted(gone)
    await write(profiles, tombstone)
    await cache.put(Absence(alive.id, 1))
    await cache.put(replace(tombstone.profile, deleted_at=None))
    finding = await inspected(cache, profiles, [alive.id, gone.id], pause=0)
    assert set(finding.stale) == {Stale(alive.id, 1, 1), Stale(gone.id, 2, 2)}


async def test_a_write_that_is_under_way_is_waited_for(
    cache: MemoryCache, profiles: MemoryProfiles
) -> None:
    first, again = person(), person()
    await add(profiles, first, again)
    newer, newest = updated(first), updated(again)
    await cache.put(first)
    await cache.put(again)
    await write(profiles, newer, newest)
    looking = asyncio.create_task(inspected(cache, profiles, [first.id, again.id], pause=0.05))
    await asyncio.sleep(0.01)
    await cache.put(newer.profile)
    await cache.put(newest.profile)
    await write(profiles, updated(newest.profile))  # and the next one is under way
    assert await looking == Finding(2, ())
