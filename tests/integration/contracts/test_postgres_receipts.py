"""The receipts in PostgreSQL pass the whole contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
    PostgresReceipts,
    PostgresTasks,
)
from profilecore.paging import microseconds
from tests.contracts.places import Receipted, ReceiptedPlace, Traits
from tests.contracts.receipts import ReceiptsContract
from tests.support.postgres import database, emptied, execute, reachable

_NOW = """
    CREATE OR REPLACE FUNCTION profilecore_now() RETURNS bigint LANGUAGE sql AS $$
        SELECT {}::bigint
    $$
"""


class PostgresReceiptedPlace(ReceiptedPlace):
    """Its server's clock stands still."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)
        self._set()

    def _set(self) -> None:
        execute(self._address, _NOW.format(microseconds(self.now)))

    async def open(self) -> Receipted:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return Receipted(
            PostgresProfiles(opened),
            PostgresLog(opened),
            PostgresTasks(opened),
            PostgresReceipts(opened),
        )

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()

    async def move(self, by: timedelta) -> None:
        await super().move(by)
        await asyncio.to_thread(self._set)


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
