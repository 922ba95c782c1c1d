"""What psycopg raises, in the words of the core: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from profilecore.errors import Invalid, ProfilecoreError, Unavailable

LOST: Final = "The database cannot be reached."
LATE: Final = "The database did not answer in time."
BUSY: Final = "Too many calls are waiting for the database."
HELD: Final = "Others held what this needs for too long."
FAILED: Final = "The database failed."
NOT_MIGRATED: Final = "The database is not migrated: run `profilecore migrate up`."

READ_ONLY: Final = "25006"
BEHIND: Final = "PC002"

# By SQLSTATE, or by its class where the whole class means one thing.
REASONS: Final = {
    "08": LOST,
    "57P01": LOST,
    "57P02": LOST,
    "57P03": "The database is starting or stopping.",
    "57P05": LOST,
    "57014": "The database took longer than a call may.",
    "55P03": HELD,
    READ_ONLY: "The database can only be read: the primary is elsewhere.",
    BEHIND: "The database is behind what was written: the primary is elsewhere.",
    "28": "The database refused the user or the password.",
    "3D": "There is no such database.",
    "42501": "The database refused it: check what its user may do.",
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "42883": NOT_MIGRATED,
    "53": "The database is out of room, memory or connections.",
    "53100": "The disk of the database is full.",
    "58": "The disk failed the database; look at its log.",
    "XX001": "The database is damaged: restore it from a backup.",
    "XX002": "An index of the database is damaged: rebuild it.",
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
    if isinstance(error, UnicodeEncodeError):
        meant = Invalid("A text has no UTF-8 form.")
    elif isinstance(error, psycopg.DataError):
        meant = Invalid("The database cannot keep such a value.")
    elif isinstance(error, TooManyRequests):
        meant = Unavailable(BUSY, retry_after=2)
    elif isinstance(error, psycopg.errors.LockNotAvailable):
        meant = Unavailable(HELD, retry_after=2)
    elif isinstance(error, PoolTimeout | psycopg.errors.ConnectionTimeout):
        meant = Unavailable(LATE)
    elif isinstance(error, psycopg.Error | psycopg.Warning):
        meant = Unavailable(_reason(error))
    else:
        return error
    meant.__cause__ = error
    return meant


def _state(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or ""


def _reason(error: Exception) -> str:
    state = _state(error)
    # Without a state it was the connection that failed, or the library.
    default = LOST if isinstance(error, psycopg.OperationalError) and not state else FAILED
    return REASONS.get(state) or REASONS.get(state[:2]) or default
