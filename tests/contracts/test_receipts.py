"""The receipts in memory and in SQLite pass the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.memory import (
    MemoryLog,
    MemoryProfiles,
    MemoryReceipts,
    MemoryStore,
    MemoryTasks,
)
from profilecore.adapters.sqlite import (
    SqliteDatabase,
    SqliteLog,
    SqliteProfiles,
    SqliteReceipts,
    SqliteTasks,
)
from profilecore.testing.places import Receipted, ReceiptedPlace, Traits
from profilecore.testing.receipts import ReceiptsContract


class MemoryReceiptedPlace(ReceiptedPlace):
    async def open(self) -> Receipted:
        receipts = MemoryReceipts(lambda: self.now)
        store, tasks = MemoryStore(receipts), MemoryTasks(lambda: self.now, receipts)
        return Receipted(MemoryProfiles(store, tasks), MemoryLog(store), tasks, receipts)

    async def close(self) -> None:
        pass


class SqliteReceiptedPlace(ReceiptedPlace):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Receipted:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return Receipted(
            SqliteProfiles(database, clock=lambda: self.now),
            SqliteLog(database),
            SqliteTasks(database, clock=lambda: self.now),
            SqliteReceipts(database, clock=lambda: self.now),
        )

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestMemoryReceipts(ReceiptsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> ReceiptedPlace:
        return MemoryReceiptedPlace()


class TestSqliteReceipts(ReceiptsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[ReceiptedPlace]:
        place = SqliteReceiptedPlace(tmp_path)
        yield place
        await place.close()
