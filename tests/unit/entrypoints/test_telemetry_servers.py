"""The servers of a database as metrics."""

from prometheus_client import CollectorRegistry

from profilecore.adapters.postgres.servers import Report
from profilecore.entrypoints.telemetry import DatabaseServers


def test_each_server_and_role_is_there() -> None:
    registry = CollectorRegistry()
    reports = [
        Report("a port 1", "primary", 0.0, 3, 4, 5),
        Report("b port 2", "lost", 7.5, 0, 0, 0),
    ]
    DatabaseServers(registry, lambda: reports)
    value = registry.get_sample_value
    roles = [value("database_servers", {"role": r}) for r in ("primary", "replica", "lost")]
    assert roles == [1, 0, 1]
    assert value("database_server_lag_seconds", {"server": "b port 2"}) == 7.5
    in_use = {"server": "a port 1", "state": "in_use"}
    assert value("database_pool_connections", in_use) == 3
    assert value("database_pool_connections", {**in_use, "state": "idle"}) == 4
    assert value("database_pool_waiting", {"server": "a port 1"}) == 5
