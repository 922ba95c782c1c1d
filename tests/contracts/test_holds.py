"""The holds in memory and in SQLite pass the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryHolds, MemoryProfiles, MemoryStore, MemoryTasks
from profilecore.adapters.sqlite import SqliteDatabase, SqliteHolds, SqliteProfiles, SqliteTasks
from profilecore.testing.holds import HoldsContract
from profilecore.testing.places import Pictured, PicturedPlace, Traits


class MemoryPicturedPlace(PicturedPlace):
    async def open(self) -> Pictured:
        store, tasks = MemoryStore(), MemoryTasks(lambda: self.now)
        return Pictured(MemoryProfiles(store, tasks), tasks, MemoryHolds(store, clock=self.seconds))

    async def close(self) -> None:
        pass


class SqlitePicturedPlace(PicturedPlace):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Pictured:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return Pictured(
            SqliteProfiles(database, clock=lambda: self.now),
            SqliteTasks(database, clock=lambda: self.now),
            SqliteHolds(database, clock=lambda: self.now),
        )

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestMemoryHolds(HoldsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> PicturedPlace:
        return MemoryPicturedPlace()


class TestSqliteHolds(HoldsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[PicturedPlace]:
        place = SqlitePicturedPlace(tmp_path)
        yield place
        await place.close()
