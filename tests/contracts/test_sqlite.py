"""SQLite, in a file on the disk."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.testing.lists import ListsContract
from profilecore.testing.log import LogContract
from profilecore.testing.machine import StoreMachine, played
from profilecore.testing.places import Place, Store, Traits
from profilecore.testing.profiles import ProfilesContract


class SqlitePlace(Place[Store]):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Store:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return Store(SqliteProfiles(database), SqliteLog(database))

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place[Store]]:
    place = SqlitePlace(tmp_path)
    yield place
    await place.close()


class TestSqliteProfiles(ProfilesContract, ListsContract):
    traits = Traits(durable=True, shared=True)


class TestSqliteLog(LogContract):
    traits = Traits(durable=True, shared=True)


class SqliteMachine(StoreMachine):
    traits = Traits(durable=True, shared=True)

    def make_place(self) -> Place[Store]:
        self._folder = Path(tempfile.mkdtemp())
        return SqlitePlace(self._folder)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self._folder)


TestSqliteAgainstModel = played(SqliteMachine)
