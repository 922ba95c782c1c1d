"""What every adapter of the Cache port does with what is known not to be there."""

from typing import Any

import pytest

from profilecore.identifiers import new_id
from profilecore.ports import Cache
from profilecore.profile import Absence, Profile
from profilecore.testing.places import CachePlace, Traits
from profilecore.testing.samples import person, updated

FLOOR_KEPT = 10.0
ABSENT_FOR = 10.0


def versions(profile: Profile, number: int) -> list[Profile]:
    """Version 1, 2, … of one profile."""
    made = [profile]
    while len(made) < number:
        made.append(updated(made[-1], bio=str(len(made))).profile)
    return made


class AbsencesContract:
    """A part of CacheContract."""

    traits: Traits

    @pytest.fixture
    async def cache(self, place: CachePlace) -> Cache:
        return await place.open()

    def kept(self, *entries: Profile | Absence) -> dict[Any, Profile | Absence]:
        """What a read gives where the cache ought to hold these."""
        return {e.id: e for e in entries} if self.traits.keeps else {}

    @pytest.mark.parametrize("version", [0, 1, 7])
    async def test_an_absence_is_given_back(self, cache: Cache, version: int) -> None:
        absence, profile = Absence(new_id(), version), person()
        await cache.put(absence)
        await cache.put(profile)
        asked = [absence.id, profile.id, new_id()]
        assert await cache.get(asked) == self.kept(absence, profile)

    async def test_a_profile_that_is_made_takes_its_place(self, cache: Cache) -> None:
        profile = person()
        await cache.put(Absence(profile.id, 0))
        await cache.put(profile)
        assert await cache.get([profile.id]) == self.kept(profile)
        await cache.put(Absence(profile.id, 0))
        assert await cache.get([profile.id]) == self.kept(profile), "a slow read's, from before"

    async def test_a_profile_that_is_restored_takes_its_place(self, cache: Cache) -> None:
        _, second, third, fourth = versions(person(), 4)
        await cache.put(second)
        await cache.drop(second.id, 3)
        await cache.put(Absence(second.id, 3))
        await cache.put(second)
        assert await cache.get([second.id]) == self.kept(Absence(second.id, 3))
        await cache.put(fourth)
        await cache.put(Absence(third.id, 3))
        assert await cache.get([second.id]) == self.kept(fourth)

    async def test_it_takes_the_place_of_an_older_copy(self, cache: Cache) -> None:
        first, _ = versions(person(), 2)
        await cache.put(first)
        await cache.put(Absence(first.id, 2))
        assert await cache.get([first.id]) == self.kept(Absence(first.id, 2))

    async def test_a_drop_of_a_later_version_forgets_it_for_good(self, cache: Cache) -> None:
        """As the log does when another process has made or restored the profile."""
        for version in (0, 2):
            absence = Absence(new_id(), version)
            await cache.put(absence)
            await cache.drop(absence.id, version)
            assert await cache.get([absence.id]) == self.kept(absence)
            await cache.drop(absence.id, version + 1)
            assert await cache.get([absence.id]) == {}
            await cache.put(absence)
            assert await cache.get([absence.id]) == {}

    async def test_it_lives_for_a_short_time(self, cache: Cache, place: CachePlace) -> None:
        absences = Absence(new_id(), 0), Absence(new_id(), 3)
        asked = [a.id for a in absences]
        for absence in absences:
            await cache.put(absence)
        await place.sleep(ABSENT_FOR * 0.9)
        assert await cache.get(asked) == self.kept(*absences)
        await place.sleep(ABSENT_FOR * 0.2)
        assert await cache.get(asked) == {}

    async def test_it_is_a_floor(self, cache: Cache, place: CachePlace) -> None:
        _, second, third = versions(person(), 3)
        await cache.put(Absence(second.id, 3))
        await place.sleep(FLOOR_KEPT - 0.1)
        await cache.put(second)
        assert second not in (await cache.get([second.id])).values()
        await cache.put(third)
        assert await cache.get([second.id]) == self.kept(third)

    async def test_a_floor_outlives_the_absence_that_took_its_place(
        self, cache: Cache, place: CachePlace
    ) -> None:
        """The floor was raised last just before the absence ends."""
        _, second = versions(person(), 2)
        await cache.put(Absence(second.id, 3))
        await place.sleep(ABSENT_FOR - 0.2)
        await cache.put(Absence(second.id, 3))
        await cache.drop(second.id, 3)
        await place.sleep(0.4)
        await cache.put(second)
        assert second not in (await cache.get([second.id])).values()
        await place.sleep(FLOOR_KEPT - 0.6)
        await cache.put(second)
        assert second not in (await cache.get([second.id])).values()

    async def test_a_floor_is_not_shortened_by_an_absence(
        self, cache: Cache, place: CachePlace
    ) -> None:
        first, second = versions(person(), 2)
        await cache.drop(first.id, 2)
        await cache.put(Absence(first.id, 1))
        await cache.put(Absence(first.id, 0))
        assert await cache.get([first.id]) == {}
        await place.sleep(FLOOR_KEPT - 0.1)
        await cache.put(first)
        assert await cache.get([first.id]) == {}
        await cache.put(second)
        assert await cache.get([first.id]) == self.kept(second)

    async def test_no_scan_pushes_a_profile_out(self, cache: Cache) -> None:
        people = [person() for _ in range(self.traits.capacity or 10)]
        for profile in people:
            await cache.put(profile)
        for _ in range(1_100):
            await cache.put(Absence(new_id(), 0))
        assert await cache.get([p.id for p in people]) == self.kept(*people)
        last = Absence(new_id(), 0)
        await cache.put(last)
        assert await cache.get([last.id]) == self.kept(last)

    async def test_it_is_cleared(self, cache: Cache) -> None:
        absences = Absence(new_id(), 0), Absence(new_id(), 3)
        for absence in absences:
            await cache.put(absence)
        await cache.clear()
        assert await cache.get([a.id for a in absences]) == {}

    async def test_another_cache_on_the_place_knows_it_if_shared(
        self, cache: Cache, place: CachePlace
    ) -> None:
        profile, other = person(), await place.open()
        absence = Absence(profile.id, 0)
        await cache.put(absence)
        there = await other.get([profile.id])
        assert there == (self.kept(absence) if self.traits.shared else {})
        await other.put(profile)
        there = await cache.get([profile.id])
        assert there == self.kept(profile if self.traits.shared else absence)
