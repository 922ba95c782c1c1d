"""PostgreSQL: durable, and shared by any number of processes on any number of machines."""

from profilecore.adapters.postgres.bookmark import PostgresBookmark
from profilecore.adapters.postgres.connecting import PostgresAddress
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.endings import PostgresEndings
from profilecore.adapters.postgres.holds import PostgresHolds
from profilecore.adapters.postgres.log import PostgresLog
from profilecore.adapters.postgres.migrate import Migrations
from profilecore.adapters.postgres.profiles import PostgresProfiles
from profilecore.adapters.postgres.receipts import PostgresReceipts
from profilecore.adapters.postgres.tasks import PostgresTasks
from profilecore.adapters.postgres.tokens import PostgresTokens

__all__ = [
    "Migrations",
    "PostgresAddress",
    "PostgresBookmark",
    "PostgresDatabase",
    "PostgresEndings",
    "PostgresHolds",
    "PostgresLog",
    "PostgresProfiles",
    "PostgresReceipts",
    "PostgresTasks",
    "PostgresTokens",
]
