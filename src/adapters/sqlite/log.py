"""The change log in SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.adapters.codec import EVENT, event_of
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.trimming import Trimming
from profilecore.errors import NotFound
from profilecore.event import Event

_END: Final = 2**63 - 1
_NEWEST: Final = "SELECT coalesce(max(position), 0) FROM events"
_AT: Final = f"SELECT {EVENT} FROM events WHERE position = ?"  # noqa: S608
_READ: Final = f"SELECT {EVENT} FROM events WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
_HISTORY: Final = (
    f"SELECT {EVENT} FROM events WHERE profile_id = ? AND position < ?"  # noqa: S608
    " ORDER BY position DESC LIMIT ?"
)
_TRIM: Final = Trimming("events", "trimmed")


class SqliteLog:
    """The Log port on a SqliteDatabase."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        return await self._database.read(lambda connection: _read(connection, after, limit))

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        below = _END if before is None else min(before, _END)
        parameters = (profile_id.bytes, below, limit)
        return await self._database.read(
            lambda connection: [event_of(row) for row in connection.execute(_HISTORY, parameters)]
        )

    async def get(self, positions: Collection[int]) -> dict[int, Event]:
        return await self._database.read(lambda connection: _get(connection, positions))

    async def position(self) -> int:
        return await self._database.read(_newest)

    async def trim(self, older_than: datetime) -> int:
        return await _TRIM(self._database, older_than)


def _get(connection: sqlite3.Connection, positions: Collection[int]) -> dict[int, Event]:
    rows = (connection.execute(_AT, (position,)).fetchone() for position in set(positions))
    return {event.position: event for event in map(event_of, filter(None, rows))}


def _newest(connection: sqlite3.Connection) -> int:
    position: int = connection.execute(_NEWEST).fetchone()[0]
    return position


def _read(connection: sqlite3.Connection, after: int, limit: int) -> list[Event]:
    (trimmed,) = connection.execute("SELECT trimmed FROM log").fetchone()
    if not trimmed <= after <= _newest(connection):
        raise NotFound(f"The log does not go on from {after}.", code="position_gone")
    return [event_of(row) for row in connection.execute(_READ, (after, limit))]
