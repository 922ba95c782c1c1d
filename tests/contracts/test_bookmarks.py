"""The bookmarks in memory and in SQLite pass the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryBookmark, MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.sqlite import SqliteBookmark, SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.ports import Bookmark
from profilecore.testing.bookmark import BookmarkContract, LostEndContract
from profilecore.testing.places import (
    BookmarkPlace,
    Marked,
    Store,
    Traits,
)


class MemoryBookmarkPlace(BookmarkPlace):
    """Each adapter has its own store; a bookmark in memory has no name, and is one by itself."""

    async def open(self) -> Marked:
        store, named = MemoryStore(), dict[str, Bookmark]()

        def bookmark(name: str) -> Bookmark:
            made = MemoryBookmark(store, clock=self.seconds)
            return named.setdefault(name, made)

        return Marked(Store(MemoryProfiles(store), MemoryLog(store)), bookmark)

    async def close(self) -> None:
        pass


class SqliteBookmarkPlace(BookmarkPlace):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "profiles.db"
        self._opened: list[SqliteDatabase] = []

    async def open(self) -> Marked:
        database = SqliteDatabase(self._path)
        await database.open()
        self._opened.append(database)
        return Marked(
            Store(SqliteProfiles(database), SqliteLog(database)),
            lambda name: SqliteBookmark(database, name, clock=self.seconds),
        )

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


class TestMemoryBookmark(BookmarkContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> BookmarkPlace:
        return MemoryBookmarkPlace()


class TestSqliteBookmark(LostEndContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, tmp_path: Path) -> AsyncIterator[BookmarkPlace]:
        place = SqliteBookmarkPlace(tmp_path)
        yield place
        await place.close()
