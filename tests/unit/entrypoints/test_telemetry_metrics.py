"""Metrics of the HTTP server."""

from prometheus_client import CollectorRegistry, generate_latest

from profilecore.entrypoints.telemetry import HttpMetrics, new_registry
from profilecore.entrypoints.telemetry.metrics import ROUTES_MAX


def test_requests_are_counted_by_method_route_and_status() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    for status in (200, 200, 404):
        metrics.began()
        metrics.ended("GET", "/profiles/{id}", status, 0.004)
    labels = {"method": "GET", "route": "/profiles/{id}"}
    value = registry.get_sample_value
    assert value("http_requests_total", labels | {"status": "200"}) == 2
    assert value("http_requests_total", labels | {"status": "404"}) == 1
    assert value("http_request_duration_seconds_count", labels) == 3


def test_requests_under_way_are_those_that_began_and_did_not_end() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    metrics.began()
    metrics.began()
    metrics.ended("GET", "/", 200, 0.1)
    assert registry.get_sample_value("http_requests_in_flight") == 1


def test_an_edge_stands_at_each_limit_that_is_alerted_on() -> None:
    registry = CollectorRegistry()
    HttpMetrics(registry).ended("GET", "/", 200, 0.005)
    edges = [
        sample.labels["le"]
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "http_request_duration_seconds_bucket"
    ]
    assert {"0.005", "0.01", "0.02"} <= set(edges)
    assert (edges[0], edges[-2:]) == ("0.0005", ["10.0", "+Inf"])
    labels = {"method": "GET", "route": "/", "le": "0.005"}
    assert registry.get_sample_value("http_request_duration_seconds_bucket", labels) == 1


def test_a_client_cannot_make_up_series() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    metrics.ended("BREW", "/", 405, 0.1)
    for index in range(ROUTES_MAX + 5):
        metrics.ended("GET", f"/{index}", 200, 0.1)
    text = generate_latest(registry).decode()
    assert "BREW" not in text
    assert 'http_requests_total{method="other",route="/",status="405"} 1.0' in text
    assert 'http_requests_total{method="GET",route="other",status="200"} 6.0' in text


def test_a_new_registry_measures_process_interpreter_and_garbage() -> None:
    names = {metric.name for metric in new_registry().collect()}
    assert {"process_resident_memory_bytes", "python_info", "python_gc_collections"} <= names
