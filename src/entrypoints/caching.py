"""The cache's part of the object graph, with what goes on beside it."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dependency_injector import containers, providers
from loguru import logger
from prometheus_client import CollectorRegistry

from profilecore.adapters.fallback import FallbackCache
from profilecore.adapters.figures import CacheFigures
from profilecore.adapters.gathered import GatheredCache
from profilecore.adapters.logged import LoggedCache
from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.noop import NoopCache
from profilecore.adapters.observed import Metrics, ObservedCache
from profilecore.adapters.probed import ProbedCache
from profilecore.entrypoints.resources import opening, resolved
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.tracing import traced
from profilecore.ports import Cache
from profilecore.relay import Horizon, Relay

if TYPE_CHECKING:  # the embedded default starts without its client
    from profilecore.adapters.redis import RedisCache, RedisFigures, RedisServer


def _redis_server(settings: Settings) -> "RedisServer":
    from profilecore.adapters.redis import RedisServer

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


def _redis(server: "RedisServer", horizon: Horizon, ttl: float, metrics: Metrics) -> "RedisCache":
    from profilecore.adapters.redis import RedisCache

    return RedisCache(server, horizon, ttl=ttl, failed=metrics.cache_errors.inc)


def _redis_figures(server: "RedisServer") -> "RedisFigures":
    from profilecore.adapters.redis import RedisFigures

    return RedisFigures(server)


def _say_turned(active: bool, why: str) -> None:
    if active:
        logger.warning("the cache has turned to memory: {}", why)
    else:
        logger.info("the cache has turned back to Redis: {}", why)


def _say_called(verb: str, id_: UUID | None, outcome: str, microseconds: float) -> None:
    key = "all" if id_ is None else str(id_)
    logger.debug("cache {} {}: {}, {:.0f} µs", verb, key, outcome, microseconds)


def _logged(cache: Cache, level: str) -> Cache:
    # Above its level a line costs nothing: nobody is there to make it.
    return LoggedCache(cache, _say_called) if level == "debug" else cache


class Caching(containers.DeclarativeContainer):
    """The cache that the settings choose, and what keeps it true."""

    settings = providers.Dependency(instance_of=Settings)
    registry = providers.Dependency(instance_of=CollectorRegistry)
    port_metrics: Any = providers.Dependency()
    profiles: Any = providers.Dependency()
    log: Any = providers.Dependency()
    tracing: Any = providers.Dependency()

    horizon = providers.Singleton(Horizon)
    memory = providers.Singleton(
        MemoryCache,
        capacity=settings.provided.cache_memory_max,
        ttl=settings.provided.cache_ttl.total_seconds.call(),
    )
    server = providers.Singleton(_redis_server, settings)
    redis = providers.Resource(
        opening,
        providers.Singleton(
            _redis,
            server,
            horizon,
            settings.provided.cache_ttl.total_seconds.call(),
            port_metrics,
        ),
    )
    redis_figures = providers.Singleton(_redis_figures, server)
    fallback = providers.Singleton(
        FallbackCache, redis, memory, horizon, turned=providers.Object(_say_turned)
    )
    active = providers.Selector(
        settings.provided.cache,
        redis=providers.Callable(lambda fallback: lambda: fallback.active, fallback),
        memory=providers.Object(lambda: False),
        noop=providers.Object(lambda: False),
    )
    probe = providers.Singleton(
        ProbedCache,
        providers.Selector(
            settings.provided.cache,
            redis=providers.Singleton(GatheredCache, fallback),
            memory=memory,
            noop=providers.Singleton(NoopCache),
        ),
        profiles,
        registry,
        active,
    )
    cache = providers.Singleton(
        traced,
        providers.Singleton(
            _logged,
            providers.Singleton(ObservedCache, probe, port_metrics),
            settings.provided.log_level,
        ),
        tracing,
        "cache",
        active,
    )
    relay = providers.Selector(
        settings.provided.cache,
        redis=providers.Singleton(Relay, fallback, log, horizon),
        memory=providers.Object(None),
        noop=providers.Object(None),
    )
    figures = providers.Selector(
        settings.provided.cache,
        redis=providers.Singleton(
            CacheFigures,
            registry,
            providers.Dict(memory=memory, redis=redis_figures),
            active,
        ),
        memory=providers.Singleton(CacheFigures, registry, providers.Dict(memory=memory)),
        noop=providers.Singleton(CacheFigures, registry, providers.Dict()),
    )


async def beside(caching: Caching) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    """What has to go on in the background for the cache that was chosen, with a name for each."""
    await resolved(caching.figures())
    probe: ProbedCache = await resolved(caching.probe())
    relay: Relay | None = await resolved(caching.relay())
    works = [("cache probe", probe.watch())]
    if relay is not None:
        works += [("cache relay", relay.run())]
        works += [("cache figures", caching.redis_figures().watch())]
    return works


async def in_fallback(caching: Caching) -> Callable[[], bool]:
    """What tells whether memory stands in for Redis."""
    if caching.settings().cache != "redis":
        return lambda: False
    fallback: FallbackCache = await resolved(caching.fallback())
    return lambda: fallback.active
