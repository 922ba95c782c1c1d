"""The part of the object graph that keeps count of what callers ask for."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers
from loguru import logger
from prometheus_client import CollectorRegistry

from profilecore.adapters.fallback_limiter import FallbackLimiter
from profilecore.adapters.memory import MemoryLimiter
from profilecore.entrypoints.policy import Budget
from profilecore.entrypoints.resources import opening, resolved
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import LimitMetrics
from profilecore.limits import Rate

if TYPE_CHECKING:  # the embedded default starts without its client
    from profilecore.adapters.redis import RedisLimiter, RedisServer


def rates_of(settings: Settings) -> dict[Budget, Rate]:
    """The budgets that have a limit."""
    found = {
        Budget.READS: settings.rate_limit_reads,
        Budget.WRITES: settings.rate_limit_writes,
        Budget.UPLOADS: settings.rate_limit_uploads,
        Budget.FAILURES: settings.rate_limit_failures,
    }
    return {budget: rate for budget, rate in found.items() if rate is not None}


def _kind(settings: Settings) -> str:
    # A worker takes no requests that are counted, and must not count as one who does.
    counts = settings.command in {"dev", "serve"} and rates_of(settings)
    return "redis" if settings.cache == "redis" and counts else "memory"


def _redis(server: "RedisServer") -> "RedisLimiter":
    from profilecore.adapters.redis import RedisLimiter

    return RedisLimiter(server)


def _by_itself() -> MemoryLimiter:
    return MemoryLimiter(used=True)


def _turned(metrics: LimitMetrics) -> Callable[[bool, str], None]:
    def turned(active: bool, why: str) -> None:
        metrics.fallback(active)
        if active:
            logger.warning("limits of rates are kept by this process alone: {}", why)
        else:
            logger.info("limits of rates are kept in Redis: {}", why)

    return turned


class Limiting(containers.DeclarativeContainer):
    """In Redis where there is one, so that all processes have one budget for each caller."""

    settings = providers.Dependency(instance_of=Settings)
    registry = providers.Dependency(instance_of=CollectorRegistry)
    server: Any = providers.Dependency()

    metrics = providers.Singleton(LimitMetrics, registry, Budget)
    kind = providers.Callable(_kind, settings)
    fallback = providers.Singleton(
        FallbackLimiter,
        providers.Resource(opening, providers.Singleton(_redis, server)),
        providers.Object(_by_itself),
        settings.provided.rate_limit_processes,
        turned=providers.Callable(_turned, metrics),
    )
    limiter = providers.Selector(kind, redis=fallback, memory=providers.Singleton(MemoryLimiter))


async def watched(
    limiting: Limiting,
) -> AsyncIterator[tuple[str, Coroutine[Any, Any, None]]]:
    """Begin with Redis where that is used; give what has to go on in the background for it."""
    if limiting.kind() == "redis":
        fallback: FallbackLimiter = await resolved(limiting.fallback())
        await fallback.start()
        yield "limits", fallback.watch()
