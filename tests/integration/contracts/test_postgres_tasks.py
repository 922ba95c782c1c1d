"""Tasks in PostgreSQL pass the whole contract, with and without RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase, PostgresTasks
from profilecore.paging import microseconds
from profilecore.ports import Queue
from tests.contracts.places import Place, TasksPlace, TaskStore, Traits
from tests.contracts.task_machine import TaskMachine, played
from tests.contracts.tasks import TasksContract
from tests.contracts.test_memory import MemoryQueuePlace
from tests.integration.contracts.test_rabbitmq import RabbitPlace
from tests.support.postgres import database, emptied, execute, reachable
from tests.support.rabbitmq import RabbitProcess

_CLOCK = """
    CREATE OR REPLACE FUNCTION profilecore_now() RETURNS bigint LANGUAGE sql
    AS $$ SELECT {}::bigint $$
"""


class PostgresTasksPlace(TasksPlace):
    """Its server's clock stands still: the function that reads it gives what the test wants."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._opened: list[PostgresDatabase] = []
        emptied(address)
        self._set()

    def _set(self) -> None:
        execute(self._address, _CLOCK.format(microseconds(self.now)))

    async def open(self) -> TaskStore:
        opened = PostgresDatabase(self._address)
        await opened.open()
        self._opened.append(opened)
        return PostgresTasks(opened)

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()

    async def move(self, by: timedelta) -> None:
        await super().move(by)
        await asyncio.to_thread(self._set)


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


TestPostgresTasksAgainstModel = pytest.mark.usefixtures("address")(
    played(PostgresTasksMachine, examples=20)
)


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with RabbitProcess(tmp_path_factory.mktemp("rabbitmq")) as server:
        RabbitTasksMachine.server = server
        yield


class RabbitTasksMachine(PostgresTasksMachine):
    wait = 5.0
    server: RabbitProcess

    def make_queue(self) -> Place[Queue]:
        return RabbitPlace(self.server)


TestPostgresTasksOverRabbitMQ = pytest.mark.usefixtures("address", "rabbitmq")(
    played(RabbitTasksMachine, examples=8)
)
