"""PostgreSQL, on a real server."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from tests.contracts.lists import ListsContract
from tests.contracts.log import LogContract
from tests.contracts.machine import StoreMachine, played
from tests.contracts.places import Place, Store, Traits
from tests.contracts.profiles import ProfilesContract
from tests.support.postgres import database, emptied, reachable


class PostgresPlace(Place[Store]):
    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)

    async def open(self) -> Store:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return Store(PostgresProfiles(opened), PostgresLog(opened))

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        PostgresMachine.address = address
        yield address


@pytest.fixture
async def place(address: PostgresAddress) -> AsyncIterator[Place[Store]]:
    place = PostgresPlace(address)
    yield place
    await place.close()


class TestPostgresProfiles(ProfilesContract, ListsContract):
    traits = Traits(durable=True, shared=True)


class TestPostgresLog(LogContract):
    traits = Traits(durable=True, shared=True)


class PostgresMachine(StoreMachine):
    traits = Traits(durable=True, shared=True)
    address: PostgresAddress

    def make_place(self) -> Place[Store]:
        return PostgresPlace(self.address)


TestPostgresAgainstModel = pytest.mark.usefixtures("address")(played(PostgresMachine))
