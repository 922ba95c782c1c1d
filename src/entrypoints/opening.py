"""From settings to parts that are open, and closed again whatever happens."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from profilecore.entrypoints.background import running
from profilecore.entrypoints.caching import beside, in_fallback
from profilecore.entrypoints.container import Container
from profilecore.entrypoints.imaging import blobs_check
from profilecore.entrypoints.limiting import watched
from profilecore.entrypoints.parts import Check, Checks, Parts
from profilecore.entrypoints.resources import resolved
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.stores import store_of
from profilecore.entrypoints.telemetry import follow_traces
from profilecore.entrypoints.working import queue_check, working
from profilecore.errors import Unavailable
from profilecore.feed import Feed
from profilecore.ports import Authenticator, Cache, Log, Profiles
from profilecore.service import ProfileService


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Make and open what the settings ask for; close it at the end.

    A tool reads no cache, so that for it the log is not followed.
    """
    store = store_of(settings)
    container = Container(settings=settings, store=store)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_closed, container)
        await resolved(store.ping())  # first and alone: where it fails, nobody waits for it
        tracing = container.tracing()
        if tracing is not None:
            follow_traces(tracing.trace_id)
            stack.push_async_callback(tracing.close)
        parts = Parts(
            service=await resolved(container.service()),
            profiles=await resolved(container.profiles()),
            log=await resolved(container.log()),
            tasks=await resolved(container.tasking().service()),
            upkeep=await resolved(container.tasking().upkeep()),
            tokens=await resolved(store.tokens()),
            receipts=await resolved(store.receipts()),
            images=await resolved(container.imaging().images()),
            person=await resolved(container.person()),
            collector=await resolved(container.imaging().collector()),
            blobs=await resolved(container.imaging().blobs()),
            feed=await resolved(container.feed()),
            endings=await resolved(container.endings()),
            task_feed=await resolved(container.task_feed()),
            lifecycle=container.lifecycle(),
            checks=await _checks(container),
            registry=container.registry(),
            metrics=container.metrics(),
            policy=container.policy(),
            bounds=container.bounds(),
            authenticator=await _authenticator(container),
            limiter=await resolved(container.limiting().limiter()),
            limit_metrics=container.limiting().metrics(),
            body_timeout=settings.body_timeout.total_seconds(),
            in_fallback=await in_fallback(container.caching()),
            tracing=tracing,
        )
        if settings.database == "postgres":
            await resolved(container.servers())
        if settings.command != "tool":
            container.disk()
            container.certificates()
            await resolved(container.followed())
            await parts.feed.start()
            for name, work in await beside(container.caching()):
                await stack.enter_async_context(running(name, work))
            async for name, work in watched(container.limiting()):
                await stack.enter_async_context(running(name, work))
            await stack.enter_async_context(running("feed", parts.feed.follow()))
            await stack.enter_async_context(running("task feed", parts.task_feed.follow()))
            await stack.enter_async_context(running("loop lag", container.lag().watch()))
            await stack.enter_async_context(working(container.tasking(), parts.lifecycle))
        yield parts


@dataclass(frozen=True, slots=True)
class Examined:
    """The truth, and the cache as it is, without what keeps them together."""

    service: ProfileService
    profiles: Profiles
    log: Log
    cache: Cache


@asynccontextmanager
async def examined(settings: Settings) -> AsyncIterator[Examined]:
    """Open the store and Redis for a look; whatever is in Redis is believed."""
    store = store_of(settings)
    container = Container(settings=settings, store=store)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_closed, container)
        await resolved(store.ping())  # first and alone: where it fails, nobody waits for it
        container.caching().horizon().position = 0
        yield Examined(
            service=await resolved(container.service()),
            profiles=await resolved(container.profiles()),
            log=await resolved(container.log()),
            cache=await resolved(container.caching().redis()),
        )


async def _authenticator(container: Container) -> Authenticator | None:
    if container.settings().command in ("dev", "serve"):
        found: Authenticator | None = await resolved(container.access().authenticator())
        return found
    return None  # nobody calls it


async def _checks(container: Container) -> Checks:
    settings = container.settings()
    ping = await resolved(container.store.ping())
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

    others: dict[str, Check] = {"cache": cache}
    if settings.command != "tool":
        others["queue"] = await queue_check(container.tasking())
        others["blobs"] = await blobs_check(container.imaging())
    return Checks(
        database=database,
        others=others,
        resources=container.resources().read,
    )


async def _closed(container: Container) -> None:
    await resolved(container.shutdown_resources())
