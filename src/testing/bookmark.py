"""What every adapter of the Bookmark port does."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from profilecore.event import Event
from profilecore.ports import Bookmark
from profilecore.testing.places import BookmarkPlace, Marked, Traits
from profilecore.testing.samples import (
    AT,
    SECOND,
    add,
    person,
)

LEASE = 10.0
SHORTLY = timedelta(milliseconds=1)


async def some_events(marked: Marked, number: int = 3) -> list[Event]:
    return await add(marked.store.profiles, *(person(updated_at=AT) for _ in range(number)))


async def positions(marked: Marked, after: int | None) -> Sequence[int]:
    """What is left to be published: the log has to go on from there."""
    assert after is not None
    return [event.position for event in await marked.store.log.read(after, 100)]


class BookmarkContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def marked(self, place: BookmarkPlace) -> Marked:
        return await place.open()

    @pytest.fixture
    def bookmark(self, marked: Marked) -> Bookmark:
        return marked.bookmark("one")

    # Where it is

    async def test_the_first_to_hold_it_begins_at_the_end_of_then(
        self, marked: Marked, bookmark: Bookmark
    ) -> None:
        before = await some_events(marked)
        assert await bookmark.hold("a", LEASE) == before[-1].position
        after = await some_events(marked)
        assert await bookmark.hold("a", LEASE) == before[-1].position
        assert await positions(marked, before[-1].position) == [e.position for e in after]

    async def test_an_empty_log_begins_before_all(self, marked: Marked, bookmark: Bookmark) -> None:
        assert await bookmark.hold("a", LEASE) == 0
        events = await some_events(marked)
        assert await bookmark.hold("a", LEASE) == 0
        assert await positions(marked, 0) == [e.position for e in events]

    async def test_it_advances_and_never_goes_back(
        self, marked: Marked, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        assert await bookmark.advance("a", events[1].position)
        assert await bookmark.hold("a", LEASE) == events[1].position
        assert await bookmark.advance("a", events[0].position), "held, though nothing is new"
        await place.move(timedelta(seconds=LEASE) + SHORTLY)
        assert await bookmark.hold("b", LEASE) == events[1].position

    async def test_a_log_that_was_trimmed_beyond_it_goes_on_where_it_begins(
        self, marked: Marked, bookmark: Bookmark
    ) -> None:
        assert await bookmark.hold("a", LEASE) == 0
        events = await some_events(marked, 5)
        assert await bookmark.advance("a", events[0].position)
        await marked.store.log.trim(AT + SECOND)
        position = await bookmark.hold("a", LEASE)
        assert position == events[3].position
        assert await positions(marked, position) == [events[4].position]
        assert await bookmark.advance("a", events[4].position)
        assert await bookmark.hold("a", LEASE) == events[4].position

    async def test_a_log_that_was_trimmed_up_to_it_goes_on_from_it(
        self, marked: Marked, bookmark: Bookmark
    ) -> None:
        await bookmark.hold("a", LEASE)
        events = await some_events(marked, 3)
        assert await bookmark.advance("a", events[1].position)
        await marked.store.log.trim(AT + SECOND)
        assert await bookmark.hold("a", LEASE) == events[1].position
        assert await positions(marked, events[1].position) == [events[2].position]

    # Who holds it

    async def test_nobody_else_gets_it_while_it_is_held(
        self, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        assert await bookmark.hold("a", LEASE) == 0
        for _ in range(3):
            assert await bookmark.hold("b", LEASE) is None
            await place.move(timedelta(seconds=LEASE / 4))
        assert await bookmark.hold("a", LEASE) == 0

    async def test_its_holder_renews_it(self, bookmark: Bookmark, place: BookmarkPlace) -> None:
        for _ in range(5):
            assert await bookmark.hold("a", LEASE) == 0
            await place.move(timedelta(seconds=LEASE * 0.9))
            assert await bookmark.hold("b", LEASE) is None

    async def test_another_takes_it_over_where_it_is_not_renewed(
        self, marked: Marked, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        assert await bookmark.advance("a", events[0].position)
        await place.move(timedelta(seconds=LEASE) + SHORTLY)
        assert await bookmark.hold("b", LEASE) == events[0].position
        assert await bookmark.hold("a", LEASE) is None
        assert not await bookmark.advance("a", events[2].position)
        assert await bookmark.hold("b", LEASE) == events[0].position, "what a said has no effect"

    async def test_only_who_holds_it_advances_it(
        self, marked: Marked, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        events = await some_events(marked)
        assert not await bookmark.advance("a", events[0].position), "it is not there"
        start = await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        assert not await bookmark.advance("b", events[2].position)
        await place.move(timedelta(seconds=LEASE) + SHORTLY)
        assert not await bookmark.advance("a", events[2].position), "its time has run out"
        assert await bookmark.hold("a", LEASE) == start, "and nobody else has come"
        assert await bookmark.advance("a", events[2].position)

    async def test_it_is_held_for_as_long_as_was_asked_for(
        self, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        await bookmark.hold("a", 0.5)
        await place.move(timedelta(seconds=0.4))
        assert await bookmark.hold("b", LEASE) is None
        await bookmark.hold("a", 60.0)
        await place.move(timedelta(seconds=59))
        assert await bookmark.hold("b", LEASE) is None
        await place.move(timedelta(seconds=2))
        assert await bookmark.hold("b", LEASE) == 0

    async def test_of_many_at_once_exactly_one_holds_it(
        self, marked: Marked, place: BookmarkPlace
    ) -> None:
        places = [marked, await place.open()] if self.traits.shared else [marked]
        bookmarks = [each.bookmark("one") for each in places]
        for _ in range(3):
            found = await asyncio.gather(
                *(bookmarks[n % len(bookmarks)].hold(f"holder {n}", LEASE) for n in range(12))
            )
            assert len([position for position in found if position is not None]) == 1
            await place.move(timedelta(seconds=LEASE) + SHORTLY)

    # Beside others

    async def test_two_names_do_not_disturb_each_other(
        self, marked: Marked, bookmark: Bookmark
    ) -> None:
        other = marked.bookmark("another")
        await bookmark.hold("a", LEASE)
        first = await some_events(marked)
        assert await other.hold("b", LEASE) == first[-1].position
        second = await some_events(marked)
        assert await bookmark.advance("a", second[0].position)
        assert await other.advance("b", second[1].position)
        assert not await bookmark.advance("b", second[2].position)
        assert not await other.advance("a", second[2].position)
        assert await bookmark.hold("a", LEASE) == second[0].position
        assert await other.hold("b", LEASE) == second[1].position

    async def test_it_outlives_the_adapter_if_durable(
        self, marked: Marked, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        await bookmark.advance("a", events[1].position)
        await place.close()
        again = (await place.open()).bookmark("one")
        if self.traits.durable:
            assert await again.hold("b", LEASE) is None, "it is still held"
            assert await again.hold("a", LEASE) == events[1].position
        else:
            assert await again.hold("b", LEASE) == 0

    async def test_another_adapter_on_the_place_has_the_same_if_shared(
        self, bookmark: Bookmark, place: BookmarkPlace
    ) -> None:
        other = (await place.open()).bookmark("one")
        await bookmark.hold("a", LEASE)
        assert (await other.hold("b", LEASE) is None) == self.traits.shared


class LostEndContract(BookmarkContract):
    """Also for a store that may come back without its log's end, such as a replica."""

    async def test_a_position_that_was_lost_goes_on_at_the_last_that_was_not(
        self, marked: Marked, bookmark: Bookmark
    ) -> None:
        await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        assert await bookmark.advance("a", events[-1].position + 5), "published, and then lost"
        assert await bookmark.hold("a", LEASE) == events[-1].position
        assert await positions(marked, events[-1].position) == []
