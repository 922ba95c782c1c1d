"""Which images may lose their files, in SQLite."""

import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.tasks import now
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED
from profilecore.paging import microseconds

_HOLD: Final = """
    INSERT INTO image_holds VALUES (:id, :until, 0)
    ON CONFLICT (image_id) DO UPDATE SET condemned = 0,
        until = CASE WHEN condemned THEN excluded.until ELSE max(until, excluded.until) END
    WHERE NOT condemned OR until <= :now
"""
_BUSY: Final = "SELECT 1 FROM image_holds WHERE image_id = ? AND condemned AND until > ?"
_UNUSED: Final = """
    SELECT NOT EXISTS (SELECT 1 FROM image_uses WHERE image_id = :id)
        AND NOT EXISTS (SELECT 1 FROM image_holds WHERE image_id = :id AND until > :now)
"""
_CONDEMN: Final = "INSERT OR REPLACE INTO image_holds VALUES (?, ?, 1)"
_SWEEP: Final = "DELETE FROM image_holds WHERE until <= ? AND NOT condemned"
_FORGET: Final = "DELETE FROM image_holds WHERE image_id = ? AND condemned"


class SqliteHolds:
    """The Holds port on a SqliteDatabase, by this machine's clock."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    async def hold(self, image_id: str, lease: timedelta) -> None:
        at = self._clock()
        asked = {"id": image_id, "until": microseconds(at + lease), "now": microseconds(at)}
        if not await self._database.write(lambda c: c.execute(_HOLD, asked).rowcount):
            raise Unavailable(BEING_REMOVED, code="being_removed")

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        return await self._database.write(lambda c: _condemn(c, image_ids, self._clock(), lease))

    async def forget(self, image_ids: Collection[str]) -> None:
        keys = [(image_id,) for image_id in image_ids]
        await self._database.write(lambda c: c.executemany(_FORGET, keys))

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        return await self._database.read(lambda c: _unused(c, image_ids, self._clock()))


def _unused(connection: sqlite3.Connection, ids: Collection[str], at: datetime) -> set[str]:
    asked = {"now": microseconds(at)}
    return {i for i in ids if connection.execute(_UNUSED, {**asked, "id": i}).fetchone()[0]}


def _condemn(
    connection: sqlite3.Connection, ids: Collection[str], at: datetime, lease: timedelta
) -> set[str]:
    now_, until = microseconds(at), microseconds(at + lease)
    if any(connection.execute(_BUSY, (i, now_)).fetchone() for i in ids):
        raise Unavailable(BEING_REMOVED, code="being_removed")
    connection.execute(_SWEEP, (now_,))
    unused = _unused(connection, ids, at)
    connection.executemany(_CONDEMN, [(i, until) for i in unused])
    return unused
