"""One PostgreSQL and one RabbitMQ for each module that asks for them."""

from collections.abc import Iterator

import pytest

from tests.support import postgres as servers
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitProcess


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.running() as server:
        yield server


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitProcess]:
    with RabbitProcess(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server
