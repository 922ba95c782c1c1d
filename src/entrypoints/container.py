"""Where everything is put together; nobody else but its part `caching` imports adapters."""

from dependency_injector import containers, providers
from loguru import logger

from profilecore.adapters.callback import Callbacks, callback
from profilecore.adapters.gathered import GatheredProfiles
from profilecore.adapters.memory import (
    MemoryBookmark,
    MemoryLog,
    MemoryProfiles,
    MemoryStore,
    MemoryTasks,
)
from profilecore.adapters.observed import Metrics, ObservedLog, ObservedProfiles
from profilecore.adapters.postgres import (
    Migrations,
    PostgresAddress,
    PostgresBookmark,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
    PostgresTasks,
)
from profilecore.adapters.sqlite import (
    SqliteBookmark,
    SqliteDatabase,
    SqliteLog,
    SqliteProfiles,
    SqliteTasks,
)
from profilecore.entrypoints.caching import Caching, opening
from profilecore.entrypoints.http.lifecycle import Lifecycle
from profilecore.entrypoints.http.policy import Policy
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.tasking import Tasking
from profilecore.entrypoints.tasks import discovered
from profilecore.entrypoints.telemetry import (
    DatabaseServers,
    HttpMetrics,
    LoopLag,
    Resources,
    new_registry,
)
from profilecore.feed import Feed
from profilecore.ports import Cache, Log, Profiles
from profilecore.service import ProfileService
from profilecore.tasks import Handlers
from profilecore.tasks.builtin import builtin

DATABASE_FILE = "profiles.db"
EVENTS = "profile.events"


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


def _postgres(settings: Settings) -> PostgresDatabase:
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


async def _nothing_to_ask() -> None:
    """Memory of this process always answers."""


def _only_era() -> int:
    """A store on one machine loses nothing of its log but all of it."""
    return 0


def _handlers(
    settings: Settings, service: ProfileService, profiles: Profiles, log: Log, cache: Cache
) -> Handlers:
    secret = settings.callback_secret
    callbacks = Callbacks(
        settings.callback_hosts or (), None if secret is None else secret.reveal()
    )
    own = [*builtin(service, profiles, log, cache), callback(callbacks)]
    return Handlers([*own, *discovered(handler.type for handler in own)])


class Container(containers.DeclarativeContainer):
    """The object graph; what a Selector does not choose is never made, nor opened."""

    settings = providers.Dependency(instance_of=Settings)
    registry = providers.Singleton(new_registry)
    port_metrics = providers.Singleton(Metrics, registry)
    lifecycle = providers.Singleton(Lifecycle)

    memory = providers.Singleton(MemoryStore)
    sqlite = providers.Resource(
        opening,
        providers.Singleton(
            SqliteDatabase, settings.provided.data_dir.joinpath.call(DATABASE_FILE)
        ),
    )
    migrations = providers.Singleton(_migrations, settings)
    postgres = providers.Resource(opening, providers.Singleton(_postgres, settings))
    ping = providers.Selector(
        settings.provided.database,
        sqlite=sqlite.provided.ping,
        postgres=postgres.provided.ping,
        memory=providers.Object(_nothing_to_ask),
    )
    era = providers.Selector(
        settings.provided.database,
        sqlite=providers.Object(_only_era),
        postgres=postgres.provided.era,
        memory=providers.Object(_only_era),
    )
    profiles = providers.Singleton(
        GatheredProfiles,  # outside, so that the metrics count the calls that are made
        providers.Singleton(
            ObservedProfiles,
            providers.Selector(
                settings.provided.database,
                sqlite=providers.Singleton(SqliteProfiles, sqlite),
                postgres=providers.Singleton(PostgresProfiles, postgres),
                memory=providers.Singleton(MemoryProfiles, memory),
            ),
            port_metrics,
        ),
    )
    log = providers.Singleton(
        ObservedLog,
        providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteLog, sqlite),
            postgres=providers.Singleton(PostgresLog, postgres),
            memory=providers.Singleton(MemoryLog, memory),
        ),
        port_metrics,
    )
    caching = providers.Container(
        Caching,
        settings=settings,
        registry=registry,
        port_metrics=port_metrics,
        profiles=profiles,
        log=log,
    )
    feed = providers.Singleton(Feed, caching.cache, log, caching.relay, store_era=era)
    service = providers.Singleton(
        ProfileService,
        profiles,
        log,
        feed,
        tombstones_kept=settings.provided.tombstones_kept,
        announce=feed.provided.wake,
        known=feed.provided.known,
    )
    handlers = providers.Singleton(_handlers, settings, service, profiles, log, caching.cache)
    tasking = providers.Container(
        Tasking,
        settings=settings,
        registry=registry,
        port_metrics=port_metrics,
        upkeep=providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteTasks, sqlite),
            postgres=providers.Singleton(PostgresTasks, postgres),
            memory=providers.Singleton(MemoryTasks),
        ),
        handlers=handlers,
        log=log,
        feed=feed,
        bookmark=providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteBookmark, sqlite, EVENTS),
            postgres=providers.Singleton(PostgresBookmark, postgres, EVENTS),
            memory=providers.Singleton(MemoryBookmark, memory),
        ),
    )
    servers = providers.Singleton(DatabaseServers, registry, postgres.provided.servers)
    lag = providers.Singleton(LoopLag, registry)
    resources = providers.Singleton(Resources, settings.provided.data_dir, lag)
    metrics = providers.Singleton(HttpMetrics, registry)
    policy = providers.Singleton(Policy, settings.provided.require_if_match)
