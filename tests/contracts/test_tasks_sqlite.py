"""Tasks in SQLite pass the whole contract, with the queue of the process."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteTasks
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


class SqliteTasksPlace(TasksPlace):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> TaskStore:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return SqliteTasks(database, clock=lambda: self.now)

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestSqliteTasks(TasksContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[TasksPlace]:
        place = SqliteTasksPlace(tmp_path)
        yield place
        await place.close()


class SqliteTasksMachine(TaskMachine):
    traits = Traits(durable=True, shared=True)

    def make_place(self) -> TasksPlace:
        self._folder = Path(tempfile.mkdtemp())
        return SqliteTasksPlace(self._folder)

    def make_queue(self) -> Place[Queue]:
        return MemoryQueuePlace()

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self._folder)


TestSqliteTasksAgainstModel = played(SqliteTasksMachine)
