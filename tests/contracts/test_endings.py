"""The ends of tasks in memory and in SQLite pass the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryEndings, MemoryTasks
from profilecore.adapters.sqlite import SqliteDatabase, SqliteEndings, SqliteTasks
from profilecore.testing.endings import EndingsContract
from profilecore.testing.places import Ended, EndingsPlace, Traits


class MemoryEndingsPlace(EndingsPlace):
    """Each adapter has its own tasks."""

    async def open(self) -> Ended:
        tasks = MemoryTasks(lambda: self.now)
        return Ended(tasks, tasks, MemoryEndings(tasks))

    async def close(self) -> None:
        pass


class SqliteEndingsPlace(EndingsPlace):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Ended:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        tasks = SqliteTasks(database, clock=lambda: self.now)
        return Ended(tasks, tasks, SqliteEndings(database))

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestMemoryEndings(EndingsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> EndingsPlace:
        return MemoryEndingsPlace()


class TestSqliteEndings(EndingsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[EndingsPlace]:
        place = SqliteEndingsPlace(tmp_path)
        yield place
        await place.close()
