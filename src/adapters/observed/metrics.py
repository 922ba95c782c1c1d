"""The metrics of the ports, and how one verb is measured."""

from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from profilecore.errors import Conflict, Invalid, NotFound, Unavailable

T = TypeVar("T")

# Edges stand exactly at the limits of alerts: 5, 10 and 20 ms.
BUCKETS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.010, 0.020, 0.050, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_ANSWERS: Final = (NotFound, Conflict, Invalid)  # what a caller asked for, not a failure


class Metrics:
    """The metrics that the wrappers of one registry share."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.hits = Tally(
            registry, "cache_hits", "Ids found in the cache, known absences among them."
        )
        self.misses = Tally(registry, "cache_misses", "Ids not found in the cache.")
        self.hit_ratio = Gauge(
            "cache_hit_ratio",
            "Ids found, of all looked up since the start.",
            registry=registry,
        )
        self.consecutive_misses = Gauge(
            "cache_consecutive_misses",
            "Ids that were not found since the last call that found one.",
            registry=registry,
        )
        self.cache_errors = Counter("cache_errors", "Cache calls that failed.", registry=registry)
        self.cache_latency = Histogram(
            "cache_operation_latency_seconds",
            "How long the cache took.",
            ["operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.database_latency = Histogram(
            "database_operation_latency_seconds",
            "How long the database took.",
            ["port", "operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.database_errors = Counter(
            "database_errors",
            "Database calls that failed; a refusal is an answer.",
            ["port", "operation", "error"],
            registry=registry,
        )
        self.queue_latency = Histogram(
            "queue_operation_latency_seconds",
            "How long the queue took; to take includes the wait for a task.",
            ["operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.queue_errors = Counter(
            "queue_errors",
            "Queue calls that failed.",
            ["operation", "error"],
            registry=registry,
        )
        self.queue_fallback = Counter(
            "queue_fallback",
            "Due tasks put into this process' memory, since RabbitMQ did not take them.",
            registry=registry,
        )
        self.blobs_latency = Histogram(
            "blobs_operation_latency_seconds",
            "How long the store of images took.",
            ["operation"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.blobs_errors = Counter(
            "blobs_errors",
            "Calls of the store of images that failed.",
            ["operation", "error"],
            registry=registry,
        )


class Tally(Collector):
    """A counter for what the event loop alone counts, and often: it needs no lock."""

    def __init__(self, registry: CollectorRegistry, name: str, help_: str) -> None:
        self.value = 0
        self._name = name
        self._help = help_
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self._name, self._help, value=self.value)


class Verb:
    """Times one verb of a port, and counts how it failed, with its labels bound once."""

    def __init__(self, latency: Histogram, unavailable: Counter, unexpected: Counter) -> None:
        self._latency = latency
        self._unavailable = unavailable
        self._unexpected = unexpected

    async def __call__(self, call: Awaitable[T]) -> T:
        began = perf_counter()
        try:
            return await call
        except _ANSWERS:
            raise
        except Unavailable:
            self._unavailable.inc()
            raise
        except Exception:
            self._unexpected.inc()
            raise
        finally:
            self._latency.observe(perf_counter() - began)


def database_verb(metrics: Metrics, port: str) -> Callable[[str], Verb]:
    def verb(operation: str) -> Verb:
        latency = metrics.database_latency.labels(port, operation)
        errors = metrics.database_errors
        unavailable = errors.labels(port, operation, "unavailable")
        return Verb(latency, unavailable, errors.labels(port, operation, "unexpected"))

    return verb
