"""The bookmark in PostgreSQL passes the whole contract, and outlives a fail-over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresBookmark,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.event import era
from profilecore.paging import microseconds
from profilecore.ports import Bookmark
from tests.contracts.bookmark import LEASE, LostEndContract, positions, some_events
from tests.contracts.places import BookmarkPlace, Marked, Store, Traits
from tests.contracts.samples import NEW_ERA
from tests.support.postgres import database, emptied, execute, reachable

_SAYS = """
    CREATE OR REPLACE FUNCTION {}() RETURNS bigint LANGUAGE sql AS $$ SELECT {}::bigint $$
"""


class PostgresBookmarkPlace(BookmarkPlace):
    """Its server's clock stands still, and its era is the one that the test wants."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)
        self._set("profilecore_era", 0)
        self._set("profilecore_now", microseconds(self.now))

    def _set(self, function: str, value: int) -> None:
        execute(self._address, _SAYS.format(function, value))

    async def open(self) -> Marked:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return Marked(
            Store(PostgresProfiles(opened), PostgresLog(opened)),
            lambda name: PostgresBookmark(opened, name),
        )

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()

    async def move(self, by: timedelta) -> None:
        await super().move(by)
        await asyncio.to_thread(self._set, "profilecore_now", microseconds(self.now))

    async def fail_over(self) -> None:
        """The server goes on in the next era, as one that was promoted."""
        await asyncio.to_thread(self._set, "profilecore_era", NEW_ERA - 1)


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
