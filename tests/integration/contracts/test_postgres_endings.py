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
from profilecore.errors import Unavailable
from profilecore.event import era
from profilecore.testing.endings import EndingsContract, done, gone
from profilecore.testing.places import Ended, EndingsPlace, Traits
from profilecore.testing.task_samples import LEASE, one, start, step
from tests.integration.contracts.postgres_places import EraPlace
from tests.support.postgres import database, execute, reachable


class PostgresEndingsPlace(EraPlace[Ended], EndingsPlace):
    def on(self, database: PostgresDatabase) -> Ended:
        tasks = PostgresTasks(database)
        return Ended(tasks, tasks, PostgresEndings(database))


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

    async def test_a_snapshot_of_before_the_wait_is_refused(
        self, address: PostgresAddress, place: PostgresEndingsPlace, store: Ended
    ) -> None:
        """With REPEATABLE READ one would not see what it waited for; what goes on may."""
        running = await step(store.tasks, await one(store.tasks), start)
        await place.close()
        isolation = f"ALTER DATABASE {address.name} SET default_transaction_isolation"
        await asyncio.to_thread(execute, address, f"{isolation} = 'repeatable read'")
        try:
            again = await place.open()
            with pytest.raises(Unavailable) as refused:
                await step(again.tasks, running, lambda t, at: t.succeeded(at, t.fence, None))
            assert "READ COMMITTED" in str(refused.value.__cause__)
            await step(again.tasks, running, lambda t, at: t.renewed(at, t.fence, LEASE))
            assert await again.endings.position() == 0
        finally:
            await asyncio.to_thread(execute, address, f"{isolation} = 'read committed'")
