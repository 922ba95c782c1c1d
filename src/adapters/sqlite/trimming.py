"""A log's oldest entries are forgotten."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from itertools import takewhile
from typing import Final

from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.paging import microseconds

TRIMMED_AT_ONCE: Final = 5_000


class Trimming:
    """Of a `table` with positions and times; how far it went is kept in the column `mark`."""

    def __init__(self, table: str, mark: str) -> None:
        self._oldest = (
            f"SELECT position, at FROM {table}"  # noqa: S608 - the names are our own
            f" WHERE position < (SELECT max(position) FROM {table}) ORDER BY position LIMIT ?"
        )
        self._delete = f"DELETE FROM {table} WHERE position <= ?"  # noqa: S608
        self._note = f"UPDATE log SET {mark} = ?"  # noqa: S608

    async def __call__(self, database: SqliteDatabase, older_than: datetime) -> int:
        """Forget what is older, in portions, so that other writes get their turn."""
        some = self._portion(microseconds(older_than))
        total = 0
        while True:
            trimmed = await database.write(some)
            total += trimmed
            if trimmed < TRIMMED_AT_ONCE:
                return total

    def _portion(self, older_than: int) -> Callable[[sqlite3.Connection], int]:
        def forget(connection: sqlite3.Connection) -> int:
            oldest = connection.execute(self._oldest, (TRIMMED_AT_ONCE,)).fetchall()
            old = [position for position, _ in takewhile(lambda row: row[1] < older_than, oldest)]
            if old:
                connection.execute(self._delete, (old[-1],))
                connection.execute(self._note, (old[-1],))
            return len(old)

        return forget
