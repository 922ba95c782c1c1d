"""The ends of tasks in PostgreSQL pass the whole contract, and outlive a fail-over."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresEndings,
    PostgresTasks,
)
from profilecore.event import era
from profilecore.testing.endings import EndingsContract, done, gone
from profilecore.testing.places import Ended, EndingsPlace, Traits
from profilecore.testing.samples import NEW_ERA
from tests.integration.contracts.postgres_places import ClockedDatabasePlace
from tests.support.postgres import database, execute, reachable


class PostgresEndingsPlace(ClockedDatabasePlace[Ended], EndingsPlace):
    """Its era, too, is the one that the test wants."""

    def __init__(self, address: PostgresAddress) -> None:
        super().__init__(address)
        self.say("profilecore_era", 0)

    def on(self, database: PostgresDatabase) -> Ended:
        tasks = PostgresTasks(database)
        return Ended(tasks, tasks, PostgresEndings(database))

    async def fail_over(self) -> None:
        """The server goes on in the next era, as one that was promoted."""
        await asyncio.to_thread(self.say, "profilecore_era", NEW_ERA - 1)


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


class TestPostgresEndings(EndingsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[PostgresEndingsPlace]:
        place = PostgresEndingsPlace(address)
        yield place
        await place.close()

    async def test_who_knows_of_a_lost_end_is_told(
        self, address: PostgresAddress, place: PostgresEndingsPlace, store: Ended
    ) -> None:
        """And whoever does not misses nothing of the new era."""
        await done(store.tasks, 5)
        told = await store.endings.read(0, 10)
        lost = f"DELETE FROM endings WHERE position > {told[2].position}"  # noqa: S608
        await asyncio.to_thread(execute, address, lost)
        await place.fail_over()
        new = await done(store.tasks, 9)
        assert await gone(store.endings, told[4].position)
        after = await store.endings.read(told[2].position, 100)
        assert [e.task_id for e in after] == [task.id for task in new]
        assert {era(e.position) for e in after} == {1}
