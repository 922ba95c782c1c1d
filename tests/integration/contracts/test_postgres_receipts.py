"""The receipts in PostgreSQL pass the whole contract."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
    PostgresReceipts,
    PostgresTasks,
)
from profilecore.testing.places import Receipted, ReceiptedPlace, Traits
from profilecore.testing.receipts import ReceiptsContract
from tests.integration.contracts.postgres_places import ClockedDatabasePlace
from tests.support.postgres import database, reachable


class PostgresReceiptedPlace(ClockedDatabasePlace[Receipted], ReceiptedPlace):
    def on(self, database: PostgresDatabase) -> Receipted:
        return Receipted(
            PostgresProfiles(database),
            PostgresLog(database),
            PostgresTasks(database),
            PostgresReceipts(database),
        )


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


class TestPostgresReceipts(ReceiptsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[ReceiptedPlace]:
        place = PostgresReceiptedPlace(address)
        yield place
        await place.close()
