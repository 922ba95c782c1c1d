"""What caches know about themselves, as metrics."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_EVICTIONS: Final = "Entries that left: they had to make room, or their time was over."


class Figures(Protocol):
    """Read at a scrape, so it waits for nothing; None, or nothing, for what is not known."""

    @property
    def size(self) -> int | None: ...
    @property
    def size_max(self) -> int | None: ...
    @property
    def memory_bytes(self) -> int | None: ...
    @property
    def memory_max_bytes(self) -> int | None: ...
    @property
    def evicted(self) -> Mapping[str, int]: ...


class CacheFigures(Collector):
    """Metrics `cache_…{cache=…}` of each of the caches, by name, and whether memory stands in."""

    def __init__(
        self,
        registry: CollectorRegistry,
        caches: Mapping[str, Figures],
        active: Callable[[], bool] = lambda: False,
    ) -> None:
        self._caches = caches
        self._active = active
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        size = GaugeMetricFamily("cache_size", "Entries in the cache.", labels=["cache"])
        size_max = GaugeMetricFamily("cache_size_max", "Most there may be.", labels=["cache"])
        memory = GaugeMetricFamily("cache_memory_bytes", "What they take.", labels=["cache"])
        memory_max = GaugeMetricFamily(
            "cache_memory_max_bytes", "Most that they may take.", labels=["cache"]
        )
        evictions = CounterMetricFamily("cache_evictions", _EVICTIONS, labels=["cache", "reason"])
        for name, cache in self._caches.items():
            for family, value in (
                (size, cache.size),
                (size_max, cache.size_max),
                (memory, cache.memory_bytes),
                (memory_max, cache.memory_max_bytes),
            ):
                if value is not None:
                    family.add_metric([name], value)
            for reason, number in cache.evicted.items():
                evictions.add_metric([name, reason], number)
        yield from (size, size_max, memory, memory_max, evictions)
        yield GaugeMetricFamily(
            "cache_fallback_active",
            "Whether memory stands in for Redis.",
            value=int(self._active()),
        )
