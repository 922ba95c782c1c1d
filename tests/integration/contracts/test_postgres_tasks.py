"""Tasks in PostgreSQL pass the whole contract, with and without RabbitMQ."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase, PostgresTasks
from profilecore.ports import Queue
from profilecore.testing.places import (
    Place,
    TasksPlace,
    TaskStore,
    Traits,
)
from profilecore.testing.task_machine import TaskMachine, played
from profilecore.testing.tasks import TasksContract
from tests.contracts.test_memory import MemoryQueuePlace
from tests.integration.contracts.postgres_places import ClockedDatabasePlace
from tests.integration.contracts.test_rabbitmq import RabbitPlace
from tests.support.campaign import rounds
from tests.support.postgres import database, reachable
from tests.support.rabbitmq import RabbitProcess


class PostgresTasksPlace(ClockedDatabasePlace[TaskStore], TasksPlace):
    def on(self, database: PostgresDatabase) -> TaskStore:
        return PostgresTasks(database)


@pytest.fixture(scope="module")
def address() -> Iterator[PostgresAddress]:
    with reachable() as server, database(server) as address:
        PostgresTasksMachine.address = address
        yield address


class TestPostgresTasks(TasksContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, address: PostgresAddress) -> AsyncIterator[TasksPlace]:
        place = PostgresTasksPlace(address)
        yield place
        await place.close()


class PostgresTasksMachine(TaskMachine):
    traits = Traits(durable=True, shared=True)
    address: PostgresAddress

    def make_place(self) -> TasksPlace:
        return PostgresTasksPlace(self.address)

    def make_queue(self) -> Place[Queue]:
        return MemoryQueuePlace()


TestPostgresTasksAgainstModel = pytest.mark.campaign(
    pytest.mark.usefixtures("address")(played(PostgresTasksMachine, examples=rounds(15, 200)))
)


@pytest.fixture(scope="module")
def rabbitmq(rabbit: RabbitProcess) -> None:
    RabbitTasksMachine.server = rabbit


class RabbitTasksMachine(PostgresTasksMachine):
    wait = 5.0
    server: RabbitProcess

    def make_queue(self) -> Place[Queue]:
        return RabbitPlace(self.server)


TestPostgresTasksOverRabbitMQ = pytest.mark.campaign(
    pytest.mark.usefixtures("address", "rabbitmq")(
        played(RabbitTasksMachine, examples=rounds(8, 50))
    )
)
