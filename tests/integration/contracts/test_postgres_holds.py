"""The holds in PostgreSQL pass the whole contract."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresHolds,
    PostgresProfiles,
    PostgresTasks,
)
from profilecore.testing.holds import HoldsContract
from profilecore.testing.places import Pictured, PicturedPlace, Traits
from tests.integration.contracts.postgres_places import ClockedDatabasePlace
from tests.support.postgres import database, reachable


class PostgresPicturedPlace(ClockedDatabasePlace[Pictured], PicturedPlace):
    def on(self, database: PostgresDatabase) -> Pictured:
        return Pictured(
            PostgresProfiles(database), PostgresTasks(database), PostgresHolds(database)
        )


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


class TestPostgresHolds(HoldsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[PicturedPlace]:
        place = PostgresPicturedPlace(address)
        yield place
        await place.close()
