"""One file on a local disk, durable and shared by the processes of one machine."""

from profilecore.adapters.sqlite.bookmark import SqliteBookmark
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.endings import SqliteEndings
from profilecore.adapters.sqlite.holds import SqliteHolds
from profilecore.adapters.sqlite.log import SqliteLog
from profilecore.adapters.sqlite.profiles import SqliteProfiles
from profilecore.adapters.sqlite.receipts import SqliteReceipts
from profilecore.adapters.sqlite.tasks import SqliteTasks
from profilecore.adapters.sqlite.tokens import SqliteTokens

__all__ = [
    "SqliteBookmark",
    "SqliteDatabase",
    "SqliteEndings",
    "SqliteHolds",
    "SqliteLog",
    "SqliteProfiles",
    "SqliteReceipts",
    "SqliteTasks",
    "SqliteTokens",
]
