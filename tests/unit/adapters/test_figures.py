"""What caches know about themselves is true at the moment of the scrape."""

from collections.abc import Mapping
from sys import getsizeof

import pytest
from prometheus_client import CollectorRegistry

from profilecore.adapters.figures import CacheFigures
from profilecore.adapters.memory import MemoryCache
from profilecore.testing.samples import full_person, person, updated


class Unknown:
    """As a Redis that does not answer."""

    size = size_max = None
    memory_bytes = memory_max_bytes = None
    evicted: Mapping[str, int] = {}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def test_size_and_evictions_are_those_of_the_scrape(registry: CollectorRegistry) -> None:
    now = [0.0]
    cache = MemoryCache(capacity=2, ttl=5, clock=lambda: now[0])
    CacheFigures(registry, {"memory": cache})

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"cache": "memory"} | labels)

    for _ in range(3):
        await cache.put(person())
    assert value("cache_size") == value("cache_size_max") == 2
    assert value("cache_evictions_total", reason="capacity") == 1
    assert value("cache_evictions_total", reason="expired") == 0
    now[0] = 6
    assert value("cache_size") == 0
    assert value("cache_memory_bytes") == 0
    assert value("cache_evictions_total", reason="capacity") == 1
    assert value("cache_evictions_total", reason="expired") == 2


async def test_memory_is_what_the_profiles_take(registry: CollectorRegistry) -> None:
    cache, large = MemoryCache(capacity=2), full_person()
    CacheFigures(registry, {"memory": cache})

    def taken() -> float:
        return registry.get_sample_value("cache_memory_bytes", {"cache": "memory"}) or 0

    assert taken() == 0
    await cache.put(large)
    await cache.put(large)
    one = taken()
    assert getsizeof(large.bio) < one < getsizeof(large.bio) + 3_000
    smaller = updated(large, bio="").profile
    await cache.put(smaller)
    assert taken() < 3_000
    for _ in range(3):
        await cache.put(person())
    assert 2 * 300 < taken() < 2 * 3_000
    await cache.clear()
    assert taken() == 0


def test_what_is_not_known_has_no_value(registry: CollectorRegistry) -> None:
    """Rather than a zero that is not true."""
    CacheFigures(registry, {"memory": MemoryCache(), "redis": Unknown()}, lambda: True)
    assert registry.get_sample_value("cache_size", {"cache": "redis"}) is None
    for name in ("cache_size_max", "cache_memory_bytes", "cache_memory_max_bytes"):
        assert registry.get_sample_value(name, {"cache": "redis"}) is None
    assert registry.get_sample_value("cache_memory_max_bytes", {"cache": "memory"}) is None
    assert registry.get_sample_value("cache_size", {"cache": "memory"}) == 0
    assert registry.get_sample_value("cache_fallback_active") == 1
