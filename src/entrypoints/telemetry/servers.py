"""The servers of a database, as this process sees them."""

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

ROLES = ("primary", "replica", "lost")


class DatabaseServers(Collector):
    """Metrics `database_servers` and `database_server_lag_seconds`.

    `servers` gives for each where it is, its role, and for how many seconds it has not been in
    step with the primary.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        servers: Callable[[], Iterable[tuple[str, str, float]]],
    ) -> None:
        self._servers = servers
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        servers = list(self._servers())
        roles = Counter(role for _, role, _ in servers)
        count = GaugeMetricFamily(
            "database_servers",
            "Servers of the database, by what they are used for.",
            labels=["role"],
        )
        for role in ROLES:
            count.add_metric([role], roles[role])
        yield count
        lag = GaugeMetricFamily(
            "database_server_lag_seconds",
            "For how long a server has not been in step with the primary.",
            labels=["server"],
        )
        for where, _, seconds in servers:
            lag.add_metric([where], seconds)
        yield lag
