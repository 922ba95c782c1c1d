"""The cache that keeps nothing is a cache."""

import pytest

from profilecore.adapters.noop import NoopCache
from profilecore.ports import Cache
from profilecore.testing.cache import CacheContract
from profilecore.testing.places import CachePlace, Traits


class NoopPlace(CachePlace):
    ttl = 0.0

    async def open(self) -> Cache:
        return NoopCache()

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        pass


class TestNoopCache(CacheContract):
    traits = Traits(durable=False, shared=False, keeps=False)

    @pytest.fixture
    def place(self) -> CachePlace:
        return NoopPlace()
