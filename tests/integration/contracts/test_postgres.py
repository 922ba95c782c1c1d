"""PostgreSQL, on a real server."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.testing.lists import ListsContract
from profilecore.testing.log import LogContract
from profilecore.testing.machine import StoreMachine, played
from profilecore.testing.places import Place, Store, Traits
from profilecore.testing.profiles import ProfilesContract
from tests.integration.contracts.postgres_places import DatabasePlace
from tests.support.campaign import rounds
from tests.support.postgres import database, reachable


class PostgresPlace(DatabasePlace[Store]):
    def on(self, database: PostgresDatabase) -> Store:
        return Store(PostgresProfiles(database), PostgresLog(database))


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


TestPostgresAgainstModel = pytest.mark.campaign(
    pytest.mark.usefixtures("address")(played(PostgresMachine, examples=rounds(25, 400)))
)
