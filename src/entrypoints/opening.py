"""From settings to parts that are open, and closed again whatever happens."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from profilecore.entrypoints.background import running
from profilecore.entrypoints.container import Container
from profilecore.entrypoints.http import Parts
from profilecore.entrypoints.http.system import Checks
from profilecore.entrypoints.settings import Settings
from profilecore.errors import Unavailable
from profilecore.feed import Feed
from profilecore.relay import Relay

T = TypeVar("T")


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
        if settings.database == "postgres":
            await _resolved(container.servers())
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
    fallback = await _resolved(container.fallback())
    return lambda: fallback.active


async def _closed(container: Container) -> None:
    await _resolved(container.shutdown_resources())


async def _resolved(made: T | Awaitable[T]) -> T:
    # What stands on an async resource comes as a future, anything else as itself.
    return await made if inspect.isawaitable(made) else made
