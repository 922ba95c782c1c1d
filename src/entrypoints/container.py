"""Where everything is put together; nobody else but its part `caching` imports adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from dependency_injector import containers, providers

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryQueue, MemoryStore
from profilecore.adapters.observed import Metrics, ObservedLog, ObservedProfiles, ObservedQueue
from profilecore.adapters.postgres import (
    Migrations,
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.entrypoints.background import running
from profilecore.entrypoints.caching import Caching, beside, in_fallback, opening, resolved
from profilecore.entrypoints.http import Parts
from profilecore.entrypoints.http.lifecycle import Lifecycle
from profilecore.entrypoints.http.policy import Policy
from profilecore.entrypoints.http.system import Checks
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import HttpMetrics, LoopLag, Resources, new_registry
from profilecore.errors import Unavailable
from profilecore.feed import Feed
from profilecore.service import ProfileService

DATABASE_FILE = "profiles.db"


def _address(settings: Settings) -> PostgresAddress:
    password = settings.db_password
    return PostgresAddress(
        host=settings.db_host,
        port=settings.db_port,
        user=settings.db_user,
        password=password.reveal() if password else None,
        name=settings.db_name,
        prepared=settings.db_prepared,
    )


async def _nothing_to_ask() -> None:
    """Memory of this process always answers."""


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
    address = providers.Singleton(_address, settings)
    migrations = providers.Singleton(
        Migrations,
        address,
        connect_timeout=settings.provided.db_connect_timeout.total_seconds.call(),
    )
    postgres = providers.Resource(
        opening,
        providers.Singleton(
            PostgresDatabase,
            address,
            pool_max=settings.provided.db_pool_max,
            statement_timeout=settings.provided.db_statement_timeout.total_seconds.call(),
            connect_timeout=settings.provided.db_connect_timeout.total_seconds.call(),
        ),
    )
    ping = providers.Selector(
        settings.provided.database,
        sqlite=sqlite.provided.ping,
        postgres=postgres.provided.ping,
        memory=providers.Object(_nothing_to_ask),
    )
    profiles = providers.Singleton(
        ObservedProfiles,
        providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteProfiles, sqlite),
            postgres=providers.Singleton(PostgresProfiles, postgres),
            memory=providers.Singleton(MemoryProfiles, memory),
        ),
        port_metrics,
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
        Caching, settings=settings, registry=registry, port_metrics=port_metrics, log=log
    )
    queue = providers.Singleton(ObservedQueue, providers.Singleton(MemoryQueue), port_metrics)
    feed = providers.Singleton(Feed, caching.cache, log, caching.relay)
    service = providers.Singleton(
        ProfileService,
        profiles,
        log,
        feed,
        tombstones_kept=settings.provided.tombstones_kept,
        announce=feed.provided.wake,
        known=feed.provided.known,
    )
    lag = providers.Singleton(LoopLag, registry)
    resources = providers.Singleton(Resources, settings.provided.data_dir, lag)
    metrics = providers.Singleton(HttpMetrics, registry)
    policy = providers.Singleton(Policy, settings.provided.require_if_match)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Make and open what the settings ask for; close it at the end.

    A tool reads no cache, so that for it the log is not followed.
    """
    container = Container(settings=settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_closed, container)
        parts = Parts(
            service=await resolved(container.service()),
            profiles=await resolved(container.profiles()),
            log=await resolved(container.log()),
            feed=await resolved(container.feed()),
            lifecycle=container.lifecycle(),
            checks=await _checks(container),
            registry=container.registry(),
            metrics=container.metrics(),
            policy=container.policy(),
            body_timeout=settings.body_timeout.total_seconds(),
            in_fallback=await in_fallback(container.caching()),
        )
        container.queue()  # its metrics are there from the start
        if settings.command != "tool":
            await parts.feed.start()
            for name, work in await beside(container.caching()):
                await stack.enter_async_context(running(name, work))
            await stack.enter_async_context(running("feed", parts.feed.follow()))
            await stack.enter_async_context(running("loop lag", container.lag().watch()))
        yield parts


async def _checks(container: Container) -> Checks:
    settings = container.settings()
    ping = await resolved(container.ping())
    feed: Feed = await resolved(container.feed())
    cut_off = await in_fallback(container.caching())

    async def database() -> str:
        await ping()
        return str(settings.database)

    async def cache() -> str:
        if settings.cache != "noop" and not feed.current:
            raise Unavailable("the log cannot be followed: reads go to the database")
        if cut_off():
            raise Unavailable("Redis is lost or behind the log: memory stands in for it")
        return str(settings.cache)

    async def queue() -> str:
        return "embedded"

    return Checks(
        database=database,
        others={"cache": cache, "queue": queue},
        resources=container.resources().read,
    )


async def _closed(container: Container) -> None:
    await resolved(container.shutdown_resources())
