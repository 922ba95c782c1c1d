"""The RabbitMQ that is shared, and queues with names of their own."""

from itertools import count

import pytest

from tests.support.rabbitmq import RabbitProcess

_numbers = count(1)


@pytest.fixture(scope="module")
def server(rabbit: RabbitProcess) -> RabbitProcess:
    return rabbit


@pytest.fixture
def prefix() -> str:
    return f"test{next(_numbers)}"
