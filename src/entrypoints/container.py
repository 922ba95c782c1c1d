"""Where everything is put together; nobody else imports adapters."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar

from dependency_injector import containers, providers
from loguru import logger

from profilecore.adapters.fallback import FallbackCache
from profilecore.adapters.memory import (
    MemoryCache,
    MemoryLog,
    MemoryProfiles,
    MemoryQueue,
    MemoryStore,
)
from profilecore.adapters.noop import NoopCache
from profilecore.adapters.observed import (
    Metrics,
    ObservedCache,
    ObservedLog,
    ObservedProfiles,
    ObservedQueue,
)
from profilecore.adapters.postgres import (
    Migrations,
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.entrypoints.background import running
from profilecore.entrypoints.http import Parts
from profilecore.entrypoints.http.lifecycle import Lifecycle
from profilecore.entrypoints.http.policy import Policy
from profilecore.entrypoints.http.system import Checks
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import HttpMetrics, LoopLag, Resources, new_registry
from profilecore.errors import Unavailable
from profilecore.feed import Feed
from profilecore.relay import Horizon, Relay
from profilecore.service import ProfileService

T = TypeVar("T")

DATABASE_FILE = "profiles.db"


class _Opens(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


Database = TypeVar("Database", bound=_Opens)


async def _open(database: Database) -> AsyncIterator[Database]:
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def _redis_server(settings: Settings) -> RedisServer:
    host, _, port = settings.redis_address.rpartition(":")
    password, ca_file = settings.redis_password, settings.redis_ca_file
    return RedisServer(
        host=host.removeprefix("[").removesuffix("]"),
        port=int(port),
        db=settings.redis_db,
        username=settings.redis_username,
        password=None if password is None else password.reveal(),
        tls=settings.redis_tls,
        ca_file=None if ca_file is None else str(ca_file),
    )


def _say_turned(active: bool, why: str) -> None:
    if active:
        logger.warning("the cache has turned to memory: {}", why)
    else:
        logger.info("the cache has turned back to Redis: {}", why)


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
        _open,
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
        _open,
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
    horizon = providers.Singleton(Horizon)
    memory_cache = providers.Singleton(
        MemoryCache,
        capacity=settings.provided.cache_memory_max,
        ttl=settings.provided.cache_ttl.total_seconds.call(),
    )
    redis = providers.Resource(
        _open,
        providers.Singleton(
            RedisCache,
            providers.Singleton(_redis_server, settings),
            horizon,
            ttl=settings.provided.cache_ttl.total_seconds.call(),
        ),
    )
    fallback = providers.Singleton(
        FallbackCache, redis, memory_cache, horizon, turned=providers.Object(_say_turned)
    )
    cache = providers.Singleton(
        ObservedCache,
        providers.Selector(
            settings.provided.cache,
            redis=fallback,
            memory=memory_cache,
            noop=providers.Singleton(NoopCache),
        ),
        port_metrics,
    )
    queue = providers.Singleton(ObservedQueue, providers.Singleton(MemoryQueue), port_metrics)
    relay = providers.Selector(
        settings.provided.cache,
        redis=providers.Singleton(Relay, fallback, log, horizon),
        memory=providers.Object(None),
        noop=providers.Object(None),
    )
    feed = providers.Singleton(Feed, cache, log, relay)
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
            service=await _resolved(container.service()),
            profiles=await _resolved(container.profiles()),
            log=await _resolved(container.log()),
            feed=await _resolved(container.feed()),
            lifecycle=container.lifecycle(),
            checks=await _checks(container),
            registry=container.registry(),
            metrics=container.metrics(),
            policy=container.policy(),
            body_timeout=settings.body_timeout.total_seconds(),
            in_fallback=await _in_fallback(container),
        )
        container.queue()  # its metrics are there from the start
        if settings.command != "tool":
            await parts.feed.start()
            relay: Relay | None = await _resolved(container.relay())
            if relay is not None:
                await stack.enter_async_context(running("cache relay", relay.run()))
            await stack.enter_async_context(running("feed", parts.feed.follow()))
            await stack.enter_async_context(running("loop lag", container.lag().watch()))
        yield parts


async def _checks(container: Container) -> Checks:
    settings = container.settings()
    ping = await _resolved(container.ping())
    feed: Feed = await _resolved(container.feed())
    in_fallback = await _in_fallback(container)

    async def database() -> str:
        await ping()
        return str(settings.database)

    async def cache() -> str:
        if settings.cache != "noop" and not feed.current:
            raise Unavailable("the log cannot be followed: reads go to the database")
        if in_fallback():
            raise Unavailable("Redis is lost or behind the log: memory stands in for it")
        return str(settings.cache)

    async def queue() -> str:
        return "embedded"

    return Checks(
        database=database,
        others={"cache": cache, "queue": queue},
        resources=container.resources().read,
    )


async def _in_fallback(container: Container) -> Callable[[], bool]:
    if container.settings().cache != "redis":
        return lambda: False
    fallback: FallbackCache = await _resolved(container.fallback())
    return lambda: fallback.active


async def _closed(container: Container) -> None:
    await _resolved(container.shutdown_resources())


async def _resolved(made: T | Awaitable[T]) -> T:
    # What stands on an async resource comes as a future, anything else as itself.
    return await made if inspect.isawaitable(made) else made
