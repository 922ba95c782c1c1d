"""How far the log was published, in SQLite."""

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from profilecore.adapters.sqlite.database import SqliteDatabase

_HOLD: Final = """
    INSERT INTO bookmarks (name, position, holder, held_until)
    SELECT :name, coalesce(max(position), 0), :holder, :now + :seconds FROM events WHERE true
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE holder = excluded.holder OR held_until < :now
"""
_HELD: Final = """
    SELECT coalesce(
        (SELECT max(e.position) FROM events e WHERE e.position <= b.position),
        (SELECT trimmed FROM log)
    ) FROM bookmarks b WHERE name = ?
"""
_ADVANCE: Final = """
    UPDATE bookmarks SET position = max(position, ?)
    WHERE name = ? AND holder = ? AND held_until >= ?
"""


class SqliteBookmark:
    """The Bookmark port on a SqliteDatabase; it is held by this machine's clock."""

    def __init__(
        self, database: SqliteDatabase, name: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._name = name
        self._clock = clock

    async def hold(self, holder: str, seconds: float) -> int | None:
        asked = {"name": self._name, "holder": holder, "seconds": seconds}
        return await self._database.write(lambda connection: self._hold(connection, asked))

    async def advance(self, holder: str, position: int) -> bool:
        return await self._database.write(
            lambda connection: (
                connection.execute(_ADVANCE, (position, self._name, holder, self._clock())).rowcount
                == 1
            )
        )

    def _hold(self, connection: sqlite3.Connection, asked: dict[str, object]) -> int | None:
        if not connection.execute(_HOLD, {**asked, "now": self._clock()}).rowcount:
            return None
        position: int = connection.execute(_HELD, (self._name,)).fetchone()[0]
        return position
