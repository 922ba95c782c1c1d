"""Where everything is put together; nobody else imports adapters."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeVar

from dependency_injector import containers, providers
from loguru import logger

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
from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.entrypoints.http import Parts
from profilecore.entrypoints.http.lifecycle import Lifecycle
from profilecore.entrypoints.http.policy import Policy
from profilecore.entrypoints.http.system import Checks
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import HttpMetrics, LoopLag, Resources, new_registry
from profilecore.errors import Unavailable
from profilecore.feed import Feed
from profilecore.service import ProfileService

T = TypeVar("T")

DATABASE_FILE = "profiles.db"


async def _open(database: SqliteDatabase) -> AsyncIterator[SqliteDatabase]:
    await database.open()
    try:
        yield database
    finally:
        await database.close()


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
    ping = providers.Selector(
        settings.provided.database,
        sqlite=sqlite.provided.ping,
        memory=providers.Object(_nothing_to_ask),
    )
    profiles = providers.Singleton(
        ObservedProfiles,
        providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteProfiles, sqlite),
            memory=providers.Singleton(MemoryProfiles, memory),
        ),
        port_metrics,
    )
    log = providers.Singleton(
        ObservedLog,
        providers.Selector(
            settings.provided.database,
            sqlite=providers.Singleton(SqliteLog, sqlite),
            memory=providers.Singleton(MemoryLog, memory),
        ),
        port_metrics,
    )
    cache = providers.Singleton(
        ObservedCache,
        providers.Selector(
            settings.provided.cache,
            memory=providers.Singleton(
                MemoryCache,
                capacity=settings.provided.cache_memory_max,
                ttl=settings.provided.cache_ttl.total_seconds.call(),
            ),
            noop=providers.Singleton(NoopCache),
        ),
        port_metrics,
    )
    queue = providers.Singleton(ObservedQueue, providers.Singleton(MemoryQueue), port_metrics)
    feed = providers.Singleton(Feed, cache, log)
    service = providers.Singleton(
        ProfileService,
        profiles,
        log,
        feed,
        tombstones_kept=settings.provided.tombstones_kept,
        announce=feed.provided.wake,
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
        )
        container.queue()  # its metrics are there from the start
        if settings.command != "tool":
            await parts.feed.start()
            await stack.enter_async_context(_running("feed", parts.feed.follow()))
            await stack.enter_async_context(_running("loop lag", container.lag().watch()))
        yield parts


async def _checks(container: Container) -> Checks:
    settings = container.settings()
    ping = await _resolved(container.ping())
    feed: Feed = await _resolved(container.feed())

    async def database() -> str:
        await ping()
        return str(settings.database)

    async def cache() -> str:
        if settings.cache != "noop" and not feed.current:
            raise Unavailable("the log cannot be followed: reads go to the database")
        return str(settings.cache)

    async def queue() -> str:
        return "embedded"

    return Checks(
        database=database,
        others={"cache": cache, "queue": queue},
        resources=container.resources().read,
    )


@asynccontextmanager
async def _running(name: str, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Keep `work` going in the background; if it ends by itself, say so."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.opt(exception=task.exception()).error("{} has stopped", task.get_name())


async def _closed(container: Container) -> None:
    await _resolved(container.shutdown_resources())


async def _resolved(made: T | Awaitable[T]) -> T:
    # What stands on an async resource comes as a future, anything else as itself.
    return await made if inspect.isawaitable(made) else made
