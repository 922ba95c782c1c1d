"""A collector for each test, and one of each server for those that ask for it."""

from collections.abc import Iterator

import pytest

from tests.support import postgres as servers
from tests.support.collector import Collector
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitProcess
from tests.support.redis import RedisProcess


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.running() as server:
        yield server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitProcess]:
    with RabbitProcess(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server
