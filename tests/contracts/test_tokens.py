"""The tokens in memory and in SQLite pass the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryTokens
from profilecore.adapters.sqlite import SqliteDatabase, SqliteTokens
from profilecore.ports import Tokens
from profilecore.testing.places import Place, Traits
from profilecore.testing.tokens import TokensContract


class MemoryTokensPlace(Place[Tokens]):
    async def open(self) -> Tokens:
        return MemoryTokens()

    async def close(self) -> None:
        pass


class SqliteTokensPlace(Place[Tokens]):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Tokens:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return SqliteTokens(database)

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestMemoryTokens(TokensContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> Place[Tokens]:
        return MemoryTokensPlace()


class TestSqliteTokens(TokensContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[Place[Tokens]]:
        place = SqliteTokensPlace(tmp_path)
        yield place
        await place.close()
