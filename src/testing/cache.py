"""What every adapter of the Cache port does."""

import asyncio
import random

from profilecore.identifiers import new_id
from profilecore.ports import Cache
from profilecore.testing.absences import FLOOR_KEPT, AbsencesContract, versions
from profilecore.testing.places import CachePlace
from profilecore.testing.samples import full_person, person, updated


class CacheContract(AbsencesContract):
    """Subclass it with `traits` and a fixture `place`."""

    async def test_a_miss_is_left_out(self, cache: Cache) -> None:
        assert await cache.get([new_id(), new_id()]) == {}
        assert await cache.get([]) == {}

    async def test_all_ten_fields_come_back_as_they_were(self, cache: Cache) -> None:
        profile = full_person()
        await cache.put(profile)
        assert await cache.get([profile.id]) == self.kept(profile)

    async def test_several_are_read_in_one_call(self, cache: Cache) -> None:
        people = [person() for _ in range(8)]
        for profile in people:
            await cache.put(profile)
        assert await cache.get([new_id(), *(p.id for p in people[:5])]) == self.kept(*people[:5])

    async def test_a_newer_version_replaces_and_an_older_is_refused(self, cache: Cache) -> None:
        first, second, third = versions(person(), 3)
        await cache.put(second)
        await cache.put(first)
        assert await cache.get([first.id]) == self.kept(second)
        await cache.put(third)
        await cache.put(third)
        await cache.put(second)
        assert await cache.get([first.id]) == self.kept(third)

    async def test_drop_forgets_an_older_copy_for_good(self, cache: Cache) -> None:
        first, second, third = versions(person(), 3)
        await cache.put(second)
        await cache.drop(first.id, 3)
        assert await cache.get([first.id]) == {}
        await cache.put(first)
        await cache.put(second)
        assert await cache.get([first.id]) == {}
        await cache.put(third)
        assert await cache.get([first.id]) == self.kept(third)

    async def test_drop_leaves_a_copy_that_is_new_enough(self, cache: Cache) -> None:
        first, second, _ = versions(person(), 3)
        await cache.put(second)
        await cache.drop(first.id, 2)
        await cache.drop(first.id, 1)
        assert await cache.get([first.id]) == self.kept(second)
        await cache.put(first)
        assert await cache.get([first.id]) == self.kept(second)

    async def test_drop_raises_the_floor_of_what_is_not_there(self, cache: Cache) -> None:
        first, second, third = versions(person(), 3)
        await cache.drop(first.id, 3)
        await cache.drop(first.id, 3)
        await cache.drop(first.id, 2)  # does not lower it
        await cache.put(first)
        await cache.put(second)
        assert await cache.get([first.id]) == {}
        await cache.put(third)
        assert await cache.get([first.id]) == self.kept(third)

    async def test_a_tombstone_keeps_a_late_read_out(self, cache: Cache) -> None:
        """The read began before the profile was deleted, and ends after."""
        first, second = versions(person(), 2)
        await cache.put(second)
        await cache.drop(first.id, 3)
        await cache.put(second)
        assert await cache.get([first.id]) == {}

    async def test_a_floor_holds_for_ten_seconds(self, cache: Cache, place: CachePlace) -> None:
        first, second = versions(person(), 2)
        await cache.drop(first.id, 2)
        await place.sleep(FLOOR_KEPT - 0.1)
        await cache.put(first)
        assert await cache.get([first.id]) == {}
        await cache.put(second)
        assert await cache.get([first.id]) == self.kept(second)

    async def test_a_copy_expires(self, cache: Cache, place: CachePlace) -> None:
        first, second = versions(person(), 2)
        await cache.put(second)
        await place.sleep(place.ttl * 0.5)
        assert await cache.get([first.id]) == self.kept(second)
        await place.sleep(place.ttl * 0.6)
        assert await cache.get([first.id]) == {}
        await cache.put(first)
        assert await cache.get([first.id]) == {}, "what has expired leaves its floor"

    async def test_a_new_put_starts_the_time_anew(self, cache: Cache, place: CachePlace) -> None:
        first, second = versions(person(), 2)
        await cache.put(first)
        await place.sleep(place.ttl * 0.6)
        await cache.put(second)
        await place.sleep(place.ttl * 0.6)
        assert await cache.get([first.id]) == self.kept(second)

    async def test_the_first_in_goes_first_where_room_is_short(self, cache: Cache) -> None:
        if self.traits.capacity is None:
            many = [person() for _ in range(100)]
            for profile in many:
                await cache.put(profile)
            assert await cache.get([p.id for p in many]) == self.kept(*many)
            return
        people = [person() for _ in range(self.traits.capacity + 3)]
        for number, profile in enumerate(people, start=1):
            await cache.put(profile)
            there = await cache.get([p.id for p in people])
            assert there == self.kept(*people[max(0, number - self.traits.capacity) : number])

    async def test_a_new_put_keeps_its_place(self, cache: Cache) -> None:
        people = [person() for _ in range((self.traits.capacity or 10) + 1)]
        for profile in people[:-1]:
            await cache.put(profile)
        newer = updated(people[0], bio="newer").profile
        await cache.put(newer)
        await cache.put(people[-1])
        first = {} if self.traits.capacity is not None else self.kept(newer)
        assert await cache.get([newer.id]) == first

    async def test_a_floor_outlives_the_copy(self, cache: Cache, place: CachePlace) -> None:
        first, second = versions(person(), 2)
        await cache.put(second)
        for _ in range(self.traits.capacity or 10):
            await cache.put(person())
        await place.sleep(min(FLOOR_KEPT - 0.1, place.ttl * 0.5))
        await cache.put(first)
        there = await cache.get([first.id])
        assert there == ({} if self.traits.capacity is not None else self.kept(second))

    async def test_the_greatest_version_wins_any_race(self, cache: Cache) -> None:
        history = versions(person(), 15)  # no more calls at once than there are connections
        steps = [cache.put(p) for p in history] + [cache.drop(p.id, p.version) for p in history]
        random.Random(4).shuffle(steps)
        await asyncio.gather(*steps)
        there = await cache.get([history[0].id])
        assert there in ({}, self.kept(history[-1]))
        await cache.put(history[-1])
        assert await cache.get([history[0].id]) == self.kept(history[-1])

    async def test_another_cache_on_the_place_has_it_if_shared(
        self, cache: Cache, place: CachePlace
    ) -> None:
        first, second = versions(person(), 2)
        other = await place.open()
        await cache.put(first)
        assert await other.get([first.id]) == (self.kept(first) if self.traits.shared else {})
        await other.drop(first.id, 2)
        await cache.put(first)
        assert await cache.get([first.id]) == ({} if self.traits.shared else self.kept(first))
        await other.put(second)
        assert await other.get([first.id]) == self.kept(second)

    async def test_a_copy_outlives_the_adapter_if_durable(
        self, cache: Cache, place: CachePlace
    ) -> None:
        profile = person()
        await cache.put(profile)
        await place.close()
        again = await place.open()
        there = await again.get([profile.id])
        assert there == (self.kept(profile) if self.traits.durable else {})
