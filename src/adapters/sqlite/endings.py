"""How tasks have ended, in SQLite."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from profilecore.adapters.codec.tasks import ENDING, ending_of
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.trimming import Trimming
from profilecore.ending import Ending
from profilecore.errors import NotFound

_NEWEST: Final = "SELECT coalesce(max(position), 0) FROM endings"
_READ: Final = f"SELECT {ENDING} FROM endings WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
_TRIM: Final = Trimming("endings", "endings_trimmed")


class SqliteEndings:
    """The Endings port on a SqliteDatabase."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        return await self._database.read(lambda connection: _read(connection, after, limit))

    async def position(self) -> int:
        return await self._database.read(_newest)

    async def trim(self, older_than: datetime) -> int:
        return await _TRIM(self._database, older_than)


def _newest(connection: sqlite3.Connection) -> int:
    position: int = connection.execute(_NEWEST).fetchone()[0]
    return position


def _read(connection: sqlite3.Connection, after: int, limit: int) -> list[Ending]:
    (trimmed,) = connection.execute("SELECT endings_trimmed FROM log").fetchone()
    if not trimmed <= after <= _newest(connection):
        raise NotFound(f"The ends of tasks do not go on from {after}.", code="position_gone")
    return [ending_of(row) for row in connection.execute(_READ, (after, limit))]
