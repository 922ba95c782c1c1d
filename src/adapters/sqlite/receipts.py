"""What is kept of writes, in SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from profilecore.adapters.codec.receipts import encode_marks, kept_of
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.paging import microseconds
from profilecore.receipt import Mark, Receipt, Repeated

PURGED_AT_ONCE: Final = 500

_FIND: Final = "SELECT fingerprint, note, marks FROM receipts WHERE key = ? AND until > ?"
_KEEP: Final = "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?)"
_PURGE: Final = """
    DELETE FROM receipts WHERE key IN (SELECT key FROM receipts WHERE until <= ? LIMIT ?)
"""


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class SqliteReceipts:
    """The Receipts port on a SqliteDatabase, by this machine's clock."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    async def purge(self) -> int:
        """As the port has it, in portions, so that other writes get their turn."""
        total, purged = 0, PURGED_AT_ONCE
        while purged == PURGED_AT_ONCE:
            purged = await self._database.write(partial(_purge, microseconds(self._clock())))
            total += purged
        return total


def refuse_repetition(
    connection: sqlite3.Connection, receipt: Receipt | None, at: datetime
) -> None:
    """Raise Repeated where this was written, in the transaction that the caller is in."""
    if receipt is None:
        return
    row = connection.execute(_FIND, (receipt.key, microseconds(at))).fetchone()
    if row is not None:
        raise Repeated(kept_of(*row))


def keep(
    connection: sqlite3.Connection,
    receipt: Receipt | None,
    at: datetime,
    marks: Sequence[Mark] = (),
) -> None:
    """Keep a receipt, in the transaction that the caller is in."""
    if receipt is not None:
        until = microseconds(at + receipt.lasts)
        row = (receipt.key, receipt.fingerprint, until, receipt.note, encode_marks(marks))
        connection.execute(_KEEP, row)


def _purge(now: int, connection: sqlite3.Connection) -> int:
    return connection.execute(_PURGE, (now, PURGED_AT_ONCE)).rowcount
