"""The holds in PostgreSQL pass the whole contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresHolds,
    PostgresProfiles,
    PostgresTasks,
)
from profilecore.paging import microseconds
from tests.contracts.holds import HoldsContract
from tests.contracts.places import Pictured, PicturedPlace, Traits
from tests.support.postgres import database, emptied, execute, reachable

_NOW = """
    CREATE OR REPLACE FUNCTION profilecore_now() RETURNS bigint LANGUAGE sql AS $$
        SELECT {}::bigint
    $$
"""


class PostgresPicturedPlace(PicturedPlace):
    """Its server's clock stands still."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)
        self._set()

    def _set(self) -> None:
        execute(self._address, _NOW.format(microseconds(self.now)))

    async def open(self) -> Pictured:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return Pictured(PostgresProfiles(opened), PostgresTasks(opened), PostgresHolds(opened))

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


class TestPostgresHolds(HoldsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[PicturedPlace]:
        place = PostgresPicturedPlace(address)
        yield place
        await place.close()
