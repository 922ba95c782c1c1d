"""Metrics of the HTTP server and of the process, for Prometheus."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

# An edge stands exactly at each limit that an alert or a promise names: 5, 10 and 20 ms.
LATENCY_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.010, 0.020),
    *(0.050, 0.100, 0.250, 0.500, 1.0, 2.5, 5.0, 10.0),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ROUTES_MAX = 100
OTHER = "other"
_TOOK = "Time from a request's arrival to the end of its answer."


def new_registry() -> CollectorRegistry:
    """A registry that already measures this process, its interpreter and its garbage."""
    # When each counter began says nothing that a restart's own metric does not, at twice the lines.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class HttpMetrics(Collector):
    """Counts requests; `route` is the path's template, never the path that was asked for.

    Labels stay closed sets: an unknown method is `other`, and so is every route after the first
    `ROUTES_MAX`, so that a client cannot make up series. The event loop alone counts, so that no
    lock is needed: this is done for each request.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._under_way = 0
        in_flight = Gauge("http_requests_in_flight", "Requests under way.", registry=registry)
        in_flight.set_function(lambda: self._under_way)
        self._counts = Counter[tuple[str, str, int]]()
        self._durations: dict[tuple[str, str], _Durations] = {}
        self._routes: set[str] = set()
        registry.register(self)

    def began(self) -> None:
        """A request arrived."""
        self._under_way += 1

    def refused(self, method: str, status: int) -> None:
        """A request was answered before it began."""
        self._counts[method if method in METHODS else OTHER, "unmatched", status] += 1

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Its answer is complete, or its client is gone."""
        self._under_way -= 1
        if method not in METHODS:
            method = OTHER
        if route not in self._routes:
            route = self._closed(route)
        self._counts[method, route, status] += 1
        durations = self._durations.get((method, route))
        if durations is None:
            durations = self._durations[method, route] = _Durations()
        durations.add(seconds)

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        labels = ["method", "route", "status"]
        requests = CounterMetricFamily("http_requests", "Requests answered.", labels=labels)
        for (method, route, status), number in list(self._counts.items()):
            requests.add_metric([method, route, str(status)], number)
        yield requests
        took = HistogramMetricFamily("http_request_duration_seconds", _TOOK, labels=labels[:2])
        for (method, route), durations in list(self._durations.items()):
            took.add_metric([method, route], durations.buckets(), durations.total)
        yield took

    def _closed(self, route: str) -> str:
        if len(self._routes) >= ROUTES_MAX:
            return OTHER
        self._routes.add(route)
        return route


class _Durations:
    """Those of one route."""

    def __init__(self) -> None:
        self.total = 0.0
        self._counts = [0] * (len(LATENCY_BUCKETS) + 1)

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        edges = (*map(floatToGoString, LATENCY_BUCKETS), "+Inf")
        return list(zip(edges, accumulate(self._counts), strict=True))
