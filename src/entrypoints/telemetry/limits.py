"""Metrics of what was not taken on, so that the rest could be."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge


class LimitMetrics:
    """Counts requests beyond a caller's budget, and those for which there was no room."""

    def __init__(self, registry: CollectorRegistry, budgets: Iterable[str] = ()) -> None:
        limited = Counter(
            "http_requests_limited",
            "Requests beyond what one caller may make, by budget.",
            ["budget"],
            registry=registry,
        )
        self._limited = {budget: limited.labels(budget) for budget in budgets}
        self._refused = Counter(
            "http_requests_refused",
            "Requests refused since as many were under way as are taken.",
            registry=registry,
        )
        self._fallback = Gauge(
            "rate_limit_fallback_active",
            "Whether this process keeps the limits of rates by itself, without Redis.",
            registry=registry,
        )

    def limited(self, budget: str) -> None:
        """One more was asked for than is left."""
        self._limited[budget].inc()

    def refused(self) -> None:
        """There was no room for a request."""
        self._refused.inc()

    def fallback(self, active: bool) -> None:
        """Redis is lost, or is there again."""
        self._fallback.set(int(active))
