"""What the wrappers count."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from profilecore.adapters.memory import (
    MemoryBlobs,
    MemoryCache,
    MemoryLog,
    MemoryProfiles,
    MemoryQueue,
    MemoryStore,
)
from profilecore.adapters.observed import (
    BUCKETS,
    Metrics,
    ObservedBlobs,
    ObservedCache,
    ObservedLog,
    ObservedProfiles,
    ObservedQueue,
)
from profilecore.errors import Conflict, Invalid, NotFound, Unavailable
from profilecore.identifiers import new_id
from profilecore.paging import Query
from profilecore.ports import Due
from profilecore.profile import Entry
from profilecore.testing.blobs import key
from profilecore.testing.samples import AT, created, person


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


class Failing:
    """Every verb of every port raises `error`."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def verb(*_: object, **__: object) -> None:
            raise self._error

        return verb


ERRORS = [
    (Unavailable("down"), "unavailable"),
    (RuntimeError("bug"), "unexpected"),
    (Conflict("no"), None),
    (NotFound("no"), None),
    (Invalid("no"), None),
]


def database_calls(port: Any, log: Any) -> dict[tuple[str, str], Awaitable[Any]]:
    return {
        ("profiles", "get"): port.get([]),
        ("profiles", "list"): port.list(Query()),
        ("profiles", "write"): port.write([created(person())], atomic=False),
        ("profiles", "purge"): port.purge(AT),
        ("profiles", "erase"): port.erase([]),
        ("log", "read"): log.read(0, 1),
        ("log", "history"): log.history(new_id(), None, 1),
        ("log", "position"): log.position(),
        ("log", "trim"): log.trim(AT),
    }


async def test_each_database_verb_is_timed(registry: CollectorRegistry, metrics: Metrics) -> None:
    store = MemoryStore()
    profiles = ObservedProfiles(MemoryProfiles(store), metrics)
    calls = database_calls(profiles, ObservedLog(MemoryLog(store), metrics))
    for (port, operation), call in calls.items():
        await call
        labels = {"port": port, "operation": operation}
        name = "database_operation_latency_seconds"
        assert registry.get_sample_value(f"{name}_count", labels) == 1
        assert 0 < (registry.get_sample_value(f"{name}_sum", labels) or 0) < 1
        assert {v for _, v in errors(registry, "database_errors_total")} == {0}


@pytest.mark.parametrize(("error", "label"), ERRORS)
async def test_each_failure_of_the_database_is_counted_and_a_refusal_is_none(
    registry: CollectorRegistry, metrics: Metrics, error: Exception, label: str | None
) -> None:
    failing: Any = Failing(error)
    calls = database_calls(ObservedProfiles(failing, metrics), ObservedLog(failing, metrics))
    for (port, operation), call in calls.items():
        with pytest.raises(type(error)):
            await call
        labels = {"port": port, "operation": operation}
        for kind in ("unavailable", "unexpected"):
            count = registry.get_sample_value("database_errors_total", {**labels, "error": kind})
            assert count == (1 if kind == label else 0)
        name = "database_operation_latency_seconds_count"
        assert registry.get_sample_value(name, labels) == 1


def queue_calls(queue: Any) -> dict[str, Awaitable[Any]]:
    lease: Any = type("Lease", (), {"handle": None})()
    return {
        "put": queue.put(Due(new_id())),
        "take": queue.take(0),
        "ack": queue.ack(lease),
        "retry": queue.retry(lease),
        "bury": queue.bury(lease),
    }


@pytest.mark.parametrize(("error", "label"), ERRORS)
async def test_the_queue_is_counted(
    registry: CollectorRegistry, metrics: Metrics, error: Exception, label: str | None
) -> None:
    failing: Any = Failing(error)
    for operation, call in queue_calls(ObservedQueue(failing, metrics)).items():
        with pytest.raises(type(error)):
            await call
        for kind in ("unavailable", "unexpected"):
            labels = {"operation": operation, "error": kind}
            count = registry.get_sample_value("queue_errors_total", labels)
            assert count == (1 if kind == label else 0)
    for operation, call in queue_calls(ObservedQueue(MemoryQueue(), metrics)).items():
        await call
        name = "queue_operation_latency_seconds_count"
        assert registry.get_sample_value(name, {"operation": operation}) == 2


def blob_calls(blobs: Any) -> dict[str, Awaitable[Any]]:
    return {
        "put": blobs.put(key(1), b"data"),
        "get": blobs.get(key(1)),
        "delete": blobs.delete([key(1)]),
        "list": blobs.list("", 1),
    }


@pytest.mark.parametrize(("error", "label"), ERRORS)
async def test_the_store_of_images_is_counted(
    registry: CollectorRegistry, metrics: Metrics, error: Exception, label: str | None
) -> None:
    failing: Any = Failing(error)
    for operation, call in blob_calls(ObservedBlobs(failing, metrics)).items():
        with pytest.raises(type(error)):
            await call
        for kind in ("unavailable", "unexpected"):
            labels = {"operation": operation, "error": kind}
            count = registry.get_sample_value("blobs_errors_total", labels)
            assert count == (1 if kind == label else 0)
    for operation, call in blob_calls(ObservedBlobs(MemoryBlobs(), metrics)).items():
        await call
        name = "blobs_operation_latency_seconds_count"
        assert registry.get_sample_value(name, {"operation": operation}) == 2


async def test_hits_and_misses_count_ids(registry: CollectorRegistry, metrics: Metrics) -> None:
    cache = ObservedCache(MemoryCache(capacity=2), metrics)
    absent = new_id()
    assert registry.get_sample_value("cache_hit_ratio") == 0
    people = [person() for _ in range(3)]
    for profile in people:
        await cache.put(profile)
    await cache.get([p.id for p in people])
    await cache.get([absent, absent])  # one id, and so one miss
    await cache.get([])
    await cache.drop(people[2].id, 2)
    value = registry.get_sample_value
    assert value("cache_hits_total") == 2
    assert value("cache_misses_total") == 2
    assert value("cache_hit_ratio") == 0.5
    assert value("cache_errors_total") == 0
    for operation, number in (("get", 3), ("put", 3), ("drop", 1)):
        name = "cache_operation_latency_seconds_count"
        assert value(name, {"operation": operation}) == number


async def test_misses_in_a_row_are_counted_until_something_is_found(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    cache, profile = ObservedCache(MemoryCache(), metrics), person()
    await cache.put(profile)

    def in_a_row() -> float | None:
        return registry.get_sample_value("cache_consecutive_misses")

    assert in_a_row() == 0
    await cache.get([new_id()])
    await cache.get([new_id(), new_id()])
    await cache.get([])
    assert in_a_row() == 3
    await cache.get([new_id(), profile.id])
    assert in_a_row() == 0
    await cache.get([new_id()])
    assert in_a_row() == 1


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("bug")])
async def test_each_failure_of_the_cache_is_counted(
    registry: CollectorRegistry, metrics: Metrics, error: Exception
) -> None:
    failing: Any = Failing(error)
    cache = ObservedCache(failing, metrics)
    calls: list[Any] = [cache.get([new_id()]), cache.put(person()), cache.drop(new_id(), 1)]
    for number, call in enumerate(calls, start=1):
        with pytest.raises(type(error)):
            await call
        assert registry.get_sample_value("cache_errors_total") == number
    assert registry.get_sample_value("cache_misses_total") == 0


class Slow(MemoryCache):
    """Takes its time by the clock that the wrapper looks at."""

    now = 0.0

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        type(self).now += 0.015
        return await super().get(ids)


async def test_edges_stand_at_the_limits_of_alerts(
    registry: CollectorRegistry, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {0.005, 0.010, 0.020} <= set(BUCKETS)
    assert (min(BUCKETS), max(BUCKETS)) == (0.0001, 5.0)
    assert list(BUCKETS) == sorted(BUCKETS)
    monkeypatch.setattr("profilecore.adapters.observed.metrics.perf_counter", lambda: Slow.now)
    await ObservedCache(Slow(), metrics).get([new_id()])
    name = "cache_operation_latency_seconds_bucket"
    for edge, count in (("0.005", 0), ("0.01", 0), ("0.02", 1), ("5.0", 1)):
        assert registry.get_sample_value(name, {"operation": "get", "le": edge}) == count


async def test_no_label_is_an_id_and_each_is_there_from_the_start(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """So that a rate has a zero to start from."""
    store, cache = MemoryStore(), ObservedCache(MemoryCache(), metrics)
    profiles = ObservedProfiles(MemoryProfiles(store), metrics)
    ObservedLog(MemoryLog(store), metrics)
    ObservedQueue(MemoryQueue(), metrics)
    before = samples(registry)
    profile = person()
    await profiles.write([created(profile)], atomic=True)
    await cache.put(profile)
    await cache.get([profile.id])
    assert samples(registry) == before
    assert str(profile.id) not in generate_latest(registry).decode()


def samples(registry: CollectorRegistry) -> set[tuple[str, str]]:
    return {
        (sample.name, str(sorted(sample.labels.items())))
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def errors(registry: CollectorRegistry, name: str) -> list[tuple[dict[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    ]
