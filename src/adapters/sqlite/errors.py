"""What SQLite raises, in the words of the core: the one place where that is translated."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from profilecore.errors import Invalid, ProfilecoreError, Unavailable

REASONS: Final = {
    sqlite3.SQLITE_BUSY: "The database is locked by another process for too long.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another process for too long.",
    sqlite3.SQLITE_INTERRUPT: "The database took longer than a read may.",
    sqlite3.SQLITE_FULL: "The disk is full: make room for the database.",
    sqlite3.SQLITE_IOERR: "The disk failed the database; look at the system's log.",
    sqlite3.SQLITE_READONLY: "The database cannot be written: make its file and folder writable.",
    sqlite3.SQLITE_PERM: "The database may not be used: check who owns its file.",
    sqlite3.SQLITE_CANTOPEN: "The database cannot be opened: check its path and who owns it.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged: restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "The file is not a database: restore it, or use another path.",
    sqlite3.SQLITE_NOMEM: "There is not enough memory for the database.",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client library raises into a core error, keeping it as the cause."""
    try:
        yield
    except Exception as error:
        meant = meaning(error)
        if meant is error:
            raise
        raise meant from error


def meaning(error: Exception) -> Exception:
    """The core error for one of the library's; any other error as it is."""
    meant: ProfilecoreError
    if isinstance(error, sqlite3.Error | sqlite3.Warning):
        # Only what the library itself reports has a code; its low byte is the primary one.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        meant = Unavailable(REASONS.get(code, "The database failed."))
    elif isinstance(error, UnicodeEncodeError):
        meant = Invalid("A text has no UTF-8 form.")
    else:
        return error
    meant.__cause__ = error
    return meant
