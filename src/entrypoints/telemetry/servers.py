"""The servers of a database, as this process sees them."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

ROLES: Final = ("primary", "replica", "lost")


class Report(Protocol):
    """How one server does; `lag` is for how many seconds it has not been in step."""

    @property
    def where(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def lag(self) -> float: ...
    @property
    def in_use(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def waiting(self) -> int: ...


class DatabaseServers(Collector):
    """Metrics `database_servers`, `database_server_lag_seconds`, `database_pool_…`."""

    def __init__(
        self, registry: CollectorRegistry, servers: Callable[[], Iterable[Report]]
    ) -> None:
        self._servers = servers
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        roles = GaugeMetricFamily(
            "database_servers",
            "Servers of the database, by what they are used for.",
            labels=["role"],
        )
        lag = GaugeMetricFamily(
            "database_server_lag_seconds",
            "For how long a server has not been in step with the primary.",
            labels=["server"],
        )
        connections = GaugeMetricFamily(
            "database_pool_connections",
            "Connections of this process.",
            labels=["server", "state"],
        )
        waiting = GaugeMetricFamily(
            "database_pool_waiting", "Calls that wait for a connection.", labels=["server"]
        )
        reports = list(self._servers())
        counted = Counter(report.role for report in reports)
        for role in ROLES:
            roles.add_metric([role], counted[role])
        for report in reports:
            lag.add_metric([report.where], report.lag)
            connections.add_metric([report.where, "in_use"], report.in_use)
            connections.add_metric([report.where, "idle"], report.idle)
            waiting.add_metric([report.where], report.waiting)
        yield from (roles, lag, connections, waiting)
