"""What every adapter of the Log port does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from profilecore.errors import NotFound
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.ports import Log
from profilecore.testing.places import Place, Store, Traits
from profilecore.testing.samples import (
    AT,
    SECOND,
    add,
    created,
    deleted,
    full_person,
    person,
    restored,
    updated,
    write,
)


async def gone(log: Log, after: int) -> bool:
    """Whether the log refuses to go on from there."""
    try:
        await log.read(after, 10)
    except NotFound as error:
        assert error.code == "position_gone"  # noqa: PT017 - either end will do
        return True
    return False


class LogContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def store(self, place: Place[Store]) -> Store:
        return await place.open()

    async def test_an_empty_log(self, store: Store) -> None:
        assert await store.log.position() == 0
        assert list(await store.log.read(0, 10)) == []
        assert list(await store.log.history(new_id(), None, 10)) == []
        assert await store.log.trim(datetime.max.replace(tzinfo=UTC)) == 0

    async def test_an_event_says_what_a_write_did(self, store: Store) -> None:
        profile = full_person()
        first = created(profile, actor="subject|1 ü")
        second = updated(profile, bio="new", image_urls=[])
        third = deleted(second.profile)
        fourth = restored(third.profile)
        events = await write(store.profiles, first, second, third, fourth)
        assert list(await store.log.read(0, 10)) == events
        assert [e.type for e in events] == list(EventType)
        assert [e.actor for e in events] == ["subject|1 ü", None, None, None]
        assert [e.at for e in events] == [
            c.profile.updated_at for c in (first, second, third, fourth)
        ]
        assert events[0].data == {
            "name": profile.name,
            "email": profile.email,
            "bio": profile.bio,
            "image_urls": list(profile.image_urls),
            "images": [],
            "owner": profile.owner,
            "created_at": "1969-12-31T23:59:59.999999Z",
        }
        assert events[1].data == {**events[0].data, "bio": "new", "image_urls": []}
        assert events[2].data == {}
        assert events[3].data == events[1].data

    async def test_an_event_has_its_own_time_where_given(self, store: Store) -> None:
        profile = person()
        change = Change(EventType.CREATED, profile, 0, at=AT + timedelta(days=400))
        (event,) = await write(store.profiles, change)
        assert event.at == AT + timedelta(days=400)
        assert list(await store.log.read(0, 1)) == [event]
        assert (await store.profiles.get([profile.id]))[profile.id].updated_at == profile.updated_at

    async def test_positions_count_up_in_the_order_of_writes(self, store: Store) -> None:
        events: list[Event] = []
        for _ in range(5):
            events += await add(store.profiles, person(), person())
        positions = [e.position for e in events]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        assert await store.log.position() == positions[-1]

    async def test_reading_goes_on_after_a_position(self, store: Store) -> None:
        events = await add(store.profiles, *(person() for _ in range(7)))
        for done, event in enumerate(events, start=1):
            assert list(await store.log.read(event.position, 3)) == events[done : done + 3]
        assert list(await store.log.read(0, 3)) == events[:3]

    @pytest.mark.parametrize("beyond", [1, 1_000, 2**62, 2**80])
    async def test_a_position_beyond_the_end_is_of_another_log(
        self, store: Store, beyond: int
    ) -> None:
        assert await gone(store.log, beyond)
        (event,) = await add(store.profiles, person())
        assert await gone(store.log, event.position + beyond)
        assert not await gone(store.log, event.position)

    async def test_the_history_of_one_profile_is_newest_first(self, store: Store) -> None:
        profile, other = person(), person()
        events = await add(store.profiles, profile, other)
        for turn in range(4):
            stored = await store.profiles.get([profile.id, other.id])
            changes = [updated(p, bio=str(turn)) for p in stored.values()]
            events += await write(store.profiles, *changes)
        own = [e for e in reversed(events) if e.profile_id == profile.id]
        assert list(await store.log.history(profile.id, None, 100)) == own
        assert list(await store.log.history(profile.id, None, 2)) == own[:2]
        assert list(await store.log.history(profile.id, own[1].position, 2)) == own[2:4]
        assert list(await store.log.history(profile.id, own[-1].position, 2)) == []
        assert list(await store.log.history(profile.id, 2**80, 1)) == own[:1]
        assert list(await store.log.history(new_id(), None, 2)) == []

    async def test_the_log_outlives_the_adapter_if_durable(
        self, place: Place[Store], store: Store
    ) -> None:
        events = await add(store.profiles, person(), person())
        await store.log.trim(events[0].at + SECOND)
        await place.close()
        again = (await place.open()).log
        if self.traits.durable:
            assert await again.position() == events[-1].position
            assert await gone(again, 0)
            assert list(await again.read(events[0].position, 10)) == events[1:]
        else:
            assert await again.position() == 0

    async def test_another_adapter_on_the_place_reads_the_same_log_if_shared(
        self, place: Place[Store], store: Store
    ) -> None:
        other = await place.open()
        events = await add(store.profiles, person(), person())
        if self.traits.shared:
            assert list(await other.log.read(0, 10)) == events
            events += await add(other.profiles, person())
            assert list(await store.log.read(0, 10)) == events
        else:
            assert await other.log.position() == 0

    async def test_a_follower_meets_each_event_once_and_in_order(self, store: Store) -> None:
        """No position is filled later, whatever is written at once."""

        async def make_some(turn: int) -> list[Event]:
            made: list[Event] = []
            for _ in range(10):
                made += await add(store.profiles, *(person() for _ in range(turn % 4 + 1)))
            return made

        async def follow() -> list[Event]:
            met: list[Event] = []
            while not writers.done() or len(met) < total:
                met += await store.log.read(met[-1].position if met else 0, 13)
                await asyncio.sleep(0)
            return met

        total = sum(10 * (turn % 4 + 1) for turn in range(8))
        writers = asyncio.gather(*(make_some(turn) for turn in range(8)))
        async with asyncio.timeout(30):
            followed, made = await asyncio.gather(follow(), writers)
        assert [e.position for e in followed] == sorted(e.position for own in made for e in own)

    # Trimming

    async def test_trim_forgets_the_oldest(self, store: Store) -> None:
        people = [person(updated_at=AT + n * SECOND) for n in range(6)]
        events = await add(store.profiles, *people)
        assert await store.log.trim(AT) == 0
        assert list(await store.log.read(0, 10)) == events
        assert await store.log.trim(AT + 3 * SECOND) == 3
        assert await store.log.trim(AT + 3 * SECOND) == 0
        assert await gone(store.log, 0)
        assert await gone(store.log, events[1].position)
        assert list(await store.log.read(events[2].position, 10)) == events[3:]
        assert await store.log.position() == events[-1].position
        assert list(await store.log.history(people[0].id, None, 10)) == []
        assert set(await store.profiles.get([p.id for p in people])) == {p.id for p in people}

    async def test_trim_keeps_the_newest_event(self, store: Store) -> None:
        events = await add(store.profiles, *(person() for _ in range(3)))
        late = datetime.max.replace(tzinfo=UTC)
        assert await store.log.trim(late) == 2
        assert await store.log.trim(late) == 0
        assert await store.log.position() == events[-1].position
        assert list(await store.log.read(events[1].position, 10)) == events[2:]
        assert list(await store.log.read(events[2].position, 10)) == []
        (event,) = await add(store.profiles, person())
        assert event.position > events[-1].position

    async def test_trim_stops_at_the_first_event_that_is_young(self, store: Store) -> None:
        """So that what is left has no holes, where times are not in order."""
        ages = [0, 1, 50, 2, 60]
        people = [person(updated_at=AT + age * SECOND) for age in ages]
        events = await add(store.profiles, *people)
        assert await store.log.trim(AT + 10 * SECOND) == 2
        assert list(await store.log.read(events[1].position, 10)) == events[2:]

    async def test_trim_takes_any_number(self, store: Store) -> None:
        people = [person(updated_at=AT) for _ in range(1_001)]
        for _ in range(6):
            await add(store.profiles, *people)
            ids = [p.id for p in people]
            stored = (await store.profiles.get(ids)).values()
            await write(store.profiles, *(deleted(p, AT) for p in stored))
            people = [replace(p, id=new_id()) for p in people]
        assert await store.log.trim(AT + SECOND) == 12 * 1_001 - 1
        assert await gone(store.log, 0)
        assert len(await store.log.read(await store.log.position() - 1, 10)) == 1
