"""Which images may lose their files, in SQLite."""

import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.receipts import now
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED
from profilecore.paging import microseconds

_CONDEMNED: Final = "SELECT 1 FROM image_holds WHERE image_id = ? AND holder = '' AND until > ?"
_FORGET: Final = "DELETE FROM image_holds WHERE image_id = ? AND holder = ''"
_HOLD: Final = "INSERT OR REPLACE INTO image_holds VALUES (?, ?, ?)"
_RELEASE: Final = "DELETE FROM image_holds WHERE image_id = ? AND holder = ?"
_UNUSED: Final = """
    SELECT NOT EXISTS (SELECT 1 FROM image_uses WHERE image_id = :id)
        AND NOT EXISTS (SELECT 1 FROM image_holds WHERE image_id = :id AND until > :now)
"""
_SWEEP: Final = "DELETE FROM image_holds WHERE until <= ? AND holder <> ''"


class SqliteHolds:
    """The Holds port on a SqliteDatabase, by this machine's clock."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    async def hold(self, image_id: str, holder: str, lease: timedelta) -> None:
        await self._database.write(lambda c: _hold(c, image_id, holder, self._clock(), lease))

    async def release(self, image_id: str, holder: str) -> None:
        await self._database.execute(_RELEASE, (image_id, holder))

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        return await self._database.write(lambda c: _condemn(c, image_ids, self._clock(), lease))

    async def forget(self, image_ids: Collection[str]) -> None:
        await self._database.execute(_FORGET, *((image_id,) for image_id in image_ids))

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        return await self._database.read(lambda c: _unused(c, image_ids, self._clock()))


def _unused(connection: sqlite3.Connection, ids: Collection[str], at: datetime) -> set[str]:
    asked = {"now": microseconds(at)}
    return {i for i in ids if connection.execute(_UNUSED, {**asked, "id": i}).fetchone()[0]}


def _refuse_condemned(connection: sqlite3.Connection, image_id: str, at: datetime) -> None:
    if connection.execute(_CONDEMNED, (image_id, microseconds(at))).fetchone():
        raise Unavailable(BEING_REMOVED, code="being_removed")


def _hold(
    connection: sqlite3.Connection, image_id: str, holder: str, at: datetime, lease: timedelta
) -> None:
    _refuse_condemned(connection, image_id, at)
    connection.execute(_FORGET, (image_id,))
    connection.execute(_HOLD, (image_id, holder, microseconds(at + lease)))


def _condemn(
    connection: sqlite3.Connection, ids: Collection[str], at: datetime, lease: timedelta
) -> set[str]:
    for image_id in ids:
        _refuse_condemned(connection, image_id, at)
    connection.execute(_SWEEP, (microseconds(at),))
    unused = _unused(connection, ids, at)
    connection.executemany(_HOLD, [(i, "", microseconds(at + lease)) for i in unused])
    return unused
