"""Servers and databases for the tests of PostgreSQL alone."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase
from tests.support.postgres import Postgres, database, reachable, running, using


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresAddress]:
    with reachable() as address:
        yield address


@pytest.fixture
def address(server: PostgresAddress) -> Iterator[PostgresAddress]:
    """A migrated database that nobody else uses."""
    with database(server) as address:
        yield address


@pytest.fixture
def bare(server: PostgresAddress) -> Iterator[PostgresAddress]:
    """A database without any table."""
    with database(server, migrated=False) as address:
        yield address


@pytest.fixture
async def opened(address: PostgresAddress) -> AsyncIterator[PostgresDatabase]:
    async with using(address, pool_max=3) as database:
        yield database


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may stop and kill."""
    with running() as server:
        yield server


@pytest.fixture
def own(own_server: Postgres) -> Iterator[PostgresAddress]:
    """A migrated database on that server, with which it goes: it may be frozen by then."""
    with database(own_server.address, dropped=False) as address:
        yield address
