"""What every adapter of the Holds port does, and how Profiles keeps to it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from profilecore.errors import Conflict, Unavailable
from profilecore.event import Change, Event, EventType
from profilecore.image import Image
from profilecore.order import Order
from profilecore.profile import Profile
from profilecore.testing.places import Pictured, PicturedPlace, Traits
from profilecore.testing.samples import (
    AT,
    SECOND,
    add,
    created,
    deleted,
    person,
    picture,
    write,
)

LEASE = timedelta(seconds=60)
SHORTLY = timedelta(milliseconds=1)


def pictured(profile: Profile, *images: Image, orders: tuple[Order, ...] = ()) -> Change:
    """The change that gives a profile other images."""
    after = profile._next(profile.updated_at + SECOND, images=images)
    return Change(EventType.UPDATED, after, profile.version, orders=orders)


def collecting(image: Image) -> Order:
    return Order(type="images.collect", payload={"image_ids": [image.id]})


class HoldsContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def there(self, place: PicturedPlace) -> Pictured:
        return await place.open()

    async def user(self, there: Pictured, *images: Image, **fields: Any) -> Profile:
        """A profile that has these images."""
        profile = person(**fields)
        await add(there.profiles, profile)
        for image in images:
            await there.holds.hold(image.id, "a", LEASE)
        change = pictured(profile, *images)
        await write(there.profiles, change)
        return change.profile

    # Using

    async def test_images_are_kept_with_their_profile(self, there: Pictured) -> None:
        profile = await self.user(there, picture(), picture(at=AT + SECOND))
        assert (await there.profiles.get([profile.id]))[profile.id] == profile

    async def test_what_is_held_can_be_used_and_what_is_not_cannot(self, there: Pictured) -> None:
        profile, image = person(), picture()
        await add(there.profiles, profile)
        (refusal,) = await there.profiles.write([pictured(profile, image)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "image_gone"
        assert (await there.profiles.get([profile.id]))[profile.id] == profile
        await there.holds.hold(image.id, "a", LEASE)
        (event,) = await there.profiles.write([pictured(profile, image)], atomic=False)
        assert isinstance(event, Event)
        assert event.data["images"] == [image.id]

    async def test_what_another_uses_can_be_used(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        image = picture()
        await self.user(there, image)
        await place.move(LEASE + SHORTLY)
        assert await there.holds.condemn([image.id], LEASE) == set()
        profile = person()
        await add(there.profiles, profile)
        await write(there.profiles, pictured(profile, image))

    async def test_of_an_atomic_write_that_is_refused_nothing_is_used(
        self, there: Pictured
    ) -> None:
        held, gone = picture(), picture()
        await there.holds.hold(held.id, "a", timedelta(0))
        profile, other = person(), person()
        await add(there.profiles, profile, other)
        with pytest.raises(Conflict) as refused:
            await there.profiles.write(
                [pictured(profile, held), pictured(other, gone)], atomic=True
            )
        assert (refused.value.code, refused.value.item) == ("image_gone", 1)
        assert await there.holds.unused([held.id]) == {held.id}

    # Condemning

    async def test_what_is_used_stays(self, there: Pictured, place: PicturedPlace) -> None:
        image, other = picture(), picture()
        profile = await self.user(there, image, other)
        await place.move(LEASE + SHORTLY)
        assert await there.holds.unused([image.id, other.id]) == set()
        assert await there.holds.condemn([image.id, other.id], LEASE) == set()
        await write(there.profiles, pictured(profile, other))
        assert await there.holds.unused([image.id, other.id]) == {image.id}
        assert await there.holds.condemn([image.id, other.id], LEASE) == {image.id}

    async def test_a_tombstone_uses_its_images_until_it_is_gone(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        purged, erased = picture(), picture()
        one, two = await self.user(there, purged), await self.user(there, erased)
        await write(there.profiles, deleted(one), deleted(two))
        await place.move(LEASE + SHORTLY)
        both = [purged.id, erased.id]
        assert await there.holds.unused(both) == set()
        await there.profiles.erase([two.id])
        assert await there.holds.unused(both) == {erased.id}
        await there.profiles.purge(place.now + timedelta(days=36_500))
        assert set(await there.holds.unused(both)) == set(both)

    async def test_what_is_held_stays_until_its_hold_ends(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        image = picture()
        await there.holds.hold(image.id, "a", LEASE)
        await there.holds.hold(image.id, "b", SHORTLY)
        assert await there.holds.condemn([image.id], LEASE) == set()
        await place.move(LEASE - SHORTLY)
        assert await there.holds.condemn([image.id], LEASE) == set()
        await place.move(2 * SHORTLY)
        assert await there.holds.condemn([image.id], LEASE) == {image.id}

    async def test_what_is_released_by_the_last_is_free(self, there: Pictured) -> None:
        image = picture()
        await there.holds.hold(image.id, "a", LEASE)
        await there.holds.hold(image.id, "b", LEASE)
        await there.holds.release(image.id, "a")
        await there.holds.release(image.id, "a")
        assert await there.holds.condemn([image.id], LEASE) == set()
        await there.holds.release(image.id, "b")
        assert await there.holds.condemn([image.id], LEASE) == {image.id}
        await there.holds.release(image.id, "b")  # ends nobody's condemnation
        with pytest.raises(Unavailable):
            await there.holds.hold(image.id, "a", LEASE)

    async def test_what_is_condemned_is_nobodys(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        image, other, profile = picture(), picture(), person()
        await add(there.profiles, profile)
        assert await there.holds.condemn([image.id], LEASE) == {image.id}
        with pytest.raises(Unavailable) as refused:
            await there.holds.hold(image.id, "a", LEASE)
        assert refused.value.code == "being_removed"
        with pytest.raises(Unavailable) as refused:
            await there.holds.condemn([other.id, image.id], LEASE)
        assert refused.value.code == "being_removed"
        await there.holds.hold(other.id, "a", LEASE)
        (refusal,) = await there.profiles.write([pictured(profile, image)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "image_gone"

    @pytest.mark.parametrize("forgotten", [True, False])
    async def test_it_ends_when_it_is_forgotten_or_its_lease_is_over(
        self, there: Pictured, place: PicturedPlace, *, forgotten: bool
    ) -> None:
        image, other = picture(), picture()
        await there.holds.condemn([image.id, other.id], LEASE)
        if forgotten:
            await there.holds.forget([image.id, other.id])
            await there.holds.forget([image.id])
        else:
            await place.move(LEASE + SHORTLY)
        await there.holds.hold(image.id, "a", SHORTLY)
        await there.holds.forget([image.id])  # it is held: by nobody who condemned it
        profile = person()
        await add(there.profiles, profile)
        await write(there.profiles, pictured(profile, image))
        assert await there.holds.condemn([other.id], LEASE) == {other.id}

    async def test_a_hold_that_has_ended_is_good_until_somebody_condemns(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        image, swept, profile = picture(), picture(), person()
        await add(there.profiles, profile)
        await there.holds.hold(image.id, "a", LEASE)
        await there.holds.hold(swept.id, "a", LEASE)
        await place.move(LEASE + SHORTLY)
        await write(there.profiles, change := pictured(profile, image))
        await there.holds.condemn([picture().id], LEASE)
        again = pictured(change.profile, image, swept)
        (refusal,) = await there.profiles.write([again], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "image_gone"

    async def test_of_those_who_use_and_those_who_condemn_one_wins(self, there: Pictured) -> None:
        """Each for itself is in a transaction: never are both told that they may."""
        for _ in range(20):
            image, profile = picture(), person()
            await add(there.profiles, profile)
            await there.holds.hold(image.id, "a", timedelta(0))
            used, condemned = await asyncio.gather(
                there.profiles.write([pictured(profile, image)], atomic=False),
                there.holds.condemn([image.id], LEASE),
            )
            assert isinstance(used[0], Event) is (condemned == set())

    async def test_nothing_is_asked(self, there: Pictured) -> None:
        assert await there.holds.condemn([], LEASE) == set()
        assert await there.holds.unused([]) == set()
        await there.holds.forget([])

    # Ordering

    async def test_what_is_ordered_is_there_with_the_change(
        self, there: Pictured, place: PicturedPlace
    ) -> None:
        image = picture()
        profile = await self.user(there, image)
        order = collecting(image)
        await write(there.profiles, pictured(profile, orders=(order,)))
        task = (await there.tasks.get([order.id]))[order.id]
        assert (task.type, task.payload) == (order.type, order.payload)
        assert task.run_at == task.created_at == task.updated_at == task.due_at == place.now
        claims = (await there.tasks.claim(10, LEASE)).claims
        assert [claim.id for claim in claims] == [order.id]

    async def test_what_is_ordered_with_a_change_that_is_refused_is_not_there(
        self, there: Pictured
    ) -> None:
        profile, stale, fresh = person(), collecting(picture()), collecting(picture())
        await add(there.profiles, profile)
        change = pictured(profile, orders=(fresh,))
        await there.profiles.write([change, pictured(profile, orders=(stale,))], atomic=False)
        assert (await there.tasks.get([stale.id, fresh.id])).keys() == {fresh.id}
        atomic = collecting(picture())
        again = pictured(change.profile, orders=(atomic,))
        with pytest.raises(Conflict):
            await there.profiles.write([again, created(profile)], atomic=True)
        assert await there.tasks.get([atomic.id]) == {}
