"""The table of absences in memory: bounded, and its floors outlive what it forgets."""

import pytest

from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.memory import cache as module
from profilecore.identifiers import new_id
from profilecore.profile import Absence
from profilecore.testing.samples import person


async def test_the_first_in_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ABSENCES_MAX", 3)
    cache = MemoryCache()
    absences = [Absence(new_id(), 0) for _ in range(5)]
    for absence in absences:
        await cache.put(absence)
    assert set((await cache.get([a.id for a in absences])).values()) == set(absences[2:])
    assert len(cache._floors) == 0, "version 0 keeps nothing out"


@pytest.mark.parametrize("how", ["room", "clear"])
async def test_a_floor_outlives_what_was_forgotten(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(module, "ABSENCES_MAX", 1)
    now = [0.0]
    cache, first = MemoryCache(clock=lambda: now[0]), person()
    await cache.put(Absence(first.id, 2))
    await (cache.clear() if how == "clear" else cache.put(Absence(new_id(), 0)))
    now[0] = module.FLOOR_KEPT - 0.1
    await cache.put(first)
    assert await cache.get([first.id]) == {}


async def test_a_table_full_of_absences_holds_no_profile_up() -> None:
    cache, people = MemoryCache(capacity=2), [person() for _ in range(2)]
    for profile in people:
        await cache.put(profile)
    for _ in range(module.ABSENCES_MAX + 10):
        await cache.put(Absence(new_id(), 2))
    assert (cache.size, len(cache._absences)) == (2, module.ABSENCES_MAX)
    assert dict(cache.evicted) == {"capacity": 0, "expired": 0}
