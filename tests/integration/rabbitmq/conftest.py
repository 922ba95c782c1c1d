"""One RabbitMQ for each module that asks for it, and queues with names of their own."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.rabbitmq import RabbitProcess

_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitProcess]:
    with RabbitProcess(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"test{next(_numbers)}"
