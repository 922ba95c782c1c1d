"""The bookmark in PostgreSQL passes the whole contract, and outlives a fail-over."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresBookmark,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.event import era
from profilecore.ports import Bookmark
from profilecore.testing.bookmark import (
    LEASE,
    LostEndContract,
    positions,
    some_events,
)
from profilecore.testing.places import (
    BookmarkPlace,
    Marked,
    Store,
    Traits,
)
from tests.integration.contracts.postgres_places import EraPlace
from tests.support.postgres import database, reachable


class PostgresBookmarkPlace(EraPlace[Marked], BookmarkPlace):
    def on(self, database: PostgresDatabase) -> Marked:
        return Marked(
            Store(PostgresProfiles(database), PostgresLog(database)),
            lambda name: PostgresBookmark(database, name),
        )


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


class TestPostgresBookmark(LostEndContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[PostgresBookmarkPlace]:
        place = PostgresBookmarkPlace(address)
        yield place
        await place.close()

    async def test_nothing_of_a_new_era_is_missed(
        self, marked: Marked, bookmark: Bookmark, place: PostgresBookmarkPlace
    ) -> None:
        """What the lost end was noted with is less than all of the new era."""
        await bookmark.hold("a", LEASE)
        events = await some_events(marked)
        assert await bookmark.advance("a", events[-1].position + 100)
        await place.fail_over()
        new = await some_events(marked)
        assert {era(event.position) for event in new} == {1}
        position = await bookmark.hold("a", LEASE)
        assert position == events[-1].position
        assert await positions(marked, position) == [event.position for event in new]
        assert await bookmark.advance("a", new[0].position)
        assert await bookmark.hold("a", LEASE) == new[0].position
