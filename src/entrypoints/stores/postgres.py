"""PostgreSQL: one primary of the servers that are named, and replicas to read from."""

from dependency_injector import containers, providers
from loguru import logger

from profilecore.adapters.postgres import (
    Migrations,
    PostgresAddress,
    PostgresBookmark,
    PostgresDatabase,
    PostgresEndings,
    PostgresHolds,
    PostgresLog,
    PostgresProfiles,
    PostgresReceipts,
    PostgresTasks,
    PostgresTokens,
)
from profilecore.entrypoints.resources import opening
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.stores.common import EVENTS


def _addresses(
    settings: Settings, hosts: tuple[tuple[str, int | None], ...] | None
) -> list[PostgresAddress]:
    password, ca_file = settings.db_password, settings.db_ca_file
    return [
        PostgresAddress(
            host=host,
            port=settings.db_port if port is None else port,
            user=settings.db_user,
            password=password.reveal() if password else None,
            name=settings.db_name,
            prepared=settings.db_prepared,
            sslmode=settings.db_sslmode,
            ca_file=None if ca_file is None else str(ca_file),
        )
        for host, port in hosts or ()
    ]


def _database(settings: Settings) -> PostgresDatabase:
    return PostgresDatabase(
        *_addresses(settings, settings.db_host),
        replicas=_addresses(settings, settings.db_replica_hosts),
        pool_max=settings.db_pool_max,
        statement_timeout=settings.db_statement_timeout.total_seconds(),
        connect_timeout=settings.db_connect_timeout.total_seconds(),
        turned=_say_of_server,
    )


def _migrations(settings: Settings) -> Migrations:
    return Migrations(
        *_addresses(settings, settings.db_host),
        connect_timeout=settings.db_connect_timeout.total_seconds(),
    )


def _say_of_server(where: str, what: str) -> None:
    logger.log("INFO" if what == "answers" else "WARNING", "PostgreSQL at {} {}", where, what)


class Postgres(containers.DeclarativeContainer):
    """Durable, for any number of processes on any number of machines."""

    settings = providers.Dependency(instance_of=Settings)
    migrations = providers.Singleton(_migrations, settings)
    database = providers.Resource(opening, providers.Singleton(_database, settings))
    ping = database.provided.ping
    era = database.provided.era
    servers = database.provided.servers
    profiles = providers.Singleton(PostgresProfiles, database)
    log = providers.Singleton(PostgresLog, database)
    tasks = providers.Singleton(PostgresTasks, database)
    receipts = providers.Singleton(PostgresReceipts, database)
    endings = providers.Singleton(PostgresEndings, database)
    holds = providers.Singleton(PostgresHolds, database)
    bookmark = providers.Singleton(PostgresBookmark, database, EVENTS)
    tokens = providers.Singleton(PostgresTokens, database)
