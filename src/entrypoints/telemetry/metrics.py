"""Metrics of the HTTP server and of the process, for Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

# An edge stands exactly at each limit that an alert or a promise names: 5, 10 and 20 ms.
LATENCY_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.010, 0.020),
    *(0.050, 0.100, 0.250, 0.500, 1.0, 2.5, 5.0, 10.0),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ROUTES_MAX = 100
OTHER = "other"


def new_registry() -> CollectorRegistry:
    """A registry that already measures this process, its interpreter and its garbage."""
    # When each counter began says nothing that a restart's own metric does not, at twice the lines.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class HttpMetrics:
    """Counts requests; `route` is the path's template, never the path that was asked for.

    Labels stay closed sets: an unknown method is `other`, and so is every route after the first
    `ROUTES_MAX`, so that a client cannot make up series.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["method", "route"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge("http_requests_in_flight", "Requests under way.", registry=registry)
        # `labels()` locks and builds a key at each call; this looks a tuple up.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self._routes: set[str] = set()

    def began(self) -> None:
        """A request arrived."""
        self._in_flight.inc()

    def refused(self, method: str, status: int) -> None:
        """A request was answered before it began."""
        self._counter(method if method in METHODS else OTHER, "unmatched", status).inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Its answer is complete, or its client is gone."""
        self._in_flight.dec()
        method = method if method in METHODS else OTHER
        route = self._closed(route)
        histogram = self._histograms.get((method, route))
        if histogram is None:
            histogram = self._histograms[method, route] = self._duration.labels(method, route)
        self._counter(method, route, status).inc()
        histogram.observe(seconds)

    def _counter(self, method: str, route: str, status: int) -> Counter:
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._requests.labels(method, route, str(status))
            self._counters[method, route, status] = counter
        return counter

    def _closed(self, route: str) -> str:
        if route not in self._routes:
            if len(self._routes) >= ROUTES_MAX:
                return OTHER
            self._routes.add(route)
        return route
