"""A file on this machine."""

from dependency_injector import containers, providers

from profilecore.adapters.sqlite import (
    SqliteBookmark,
    SqliteDatabase,
    SqliteEndings,
    SqliteHolds,
    SqliteLog,
    SqliteProfiles,
    SqliteReceipts,
    SqliteTasks,
    SqliteTokens,
)
from profilecore.entrypoints.resources import opening
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.stores.common import EVENTS, only_era

DATABASE_FILE = "profiles.db"


class Sqlite(containers.DeclarativeContainer):
    """Durable, for the processes of one machine."""

    settings = providers.Dependency(instance_of=Settings)
    database = providers.Resource(
        opening,
        providers.Singleton(
            SqliteDatabase, settings.provided.data_dir.joinpath.call(DATABASE_FILE)
        ),
    )
    ping = database.provided.ping
    era = providers.Object(only_era)
    profiles = providers.Singleton(SqliteProfiles, database)
    log = providers.Singleton(SqliteLog, database)
    tasks = providers.Singleton(SqliteTasks, database)
    receipts = providers.Singleton(SqliteReceipts, database)
    endings = providers.Singleton(SqliteEndings, database)
    holds = providers.Singleton(SqliteHolds, database)
    bookmark = providers.Singleton(SqliteBookmark, database, EVENTS)
    tokens = providers.Singleton(SqliteTokens, database)
