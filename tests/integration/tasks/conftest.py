"""One PostgreSQL for each module that asks for it."""

from collections.abc import Iterator

import pytest

from tests.support import postgres as servers
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.running() as server:
        yield server
