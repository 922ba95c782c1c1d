"""The tokens in PostgreSQL pass the whole contract, and are read on the primary."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase, PostgresTokens
from profilecore.ports import Tokens
from profilecore.testing.places import Place, Traits
from profilecore.testing.samples import AT
from profilecore.testing.tokens import TokensContract, new_token, stored
from tests.integration.contracts.postgres_places import DatabasePlace
from tests.support.postgres import database, reachable, using
from tests.support.replication import Pair, replicated


class PostgresTokensPlace(DatabasePlace[Tokens]):
    def on(self, database: PostgresDatabase) -> Tokens:
        return PostgresTokens(database)


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        yield address


class TestPostgresTokens(TokensContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[Place[Tokens]]:
        place = PostgresTokensPlace(address)
        yield place
        await place.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


async def test_a_replica_that_is_behind_is_not_asked(pair: Pair) -> None:
    """It would let in whoever was shut out."""
    async with using(*pair.hosts, replicas=pair.hosts[1:]) as opened:
        tokens, token = PostgresTokens(opened), new_token()
        await tokens.add(token)
        pair.caught_up()
        pair.replica.pause_replay()
        await tokens.revoke(token.id, AT)
        for _ in range(20):
            assert (await stored(tokens, token)).revoked_at == AT
            assert [found.revoked_at for found in await tokens.list()] == [AT]
