"""The cache that falls back is a cache, whichever of its two is in use."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.fallback import FallbackCache
from profilecore.adapters.memory import MemoryCache
from profilecore.ports import Cache
from profilecore.relay import Horizon
from profilecore.testing.cache import CacheContract
from profilecore.testing.places import CachePlace, Traits
from tests.integration.contracts.shared_places import RedisPlace
from tests.support.redis import RedisProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


class InStepPlace(RedisPlace):
    """With a Redis that answers and is in step with the log."""

    async def open(self) -> Cache:
        cache = FallbackCache(await self.cache(), MemoryCache(), self.horizon)
        await cache.apply(0, [])
        assert not cache.active
        return cache


class CutOffPlace(RedisPlace):
    """With a Redis that is never in step: all is done by the memory of the process."""

    async def open(self) -> Cache:
        memory = MemoryCache(ttl=self.ttl, clock=lambda: 1_000 + self._later)
        cache = FallbackCache(await self.cache(), memory, Horizon(None))
        await cache.apply(0, [])
        assert cache.active
        return cache


class TestInStep(CacheContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    async def place(self, server: RedisProcess) -> AsyncIterator[CachePlace]:
        place = InStepPlace(server)
        yield place
        await place.close()


class TestCutOff(CacheContract):
    traits = Traits(durable=False, shared=False, capacity=10)

    @pytest.fixture
    async def place(self, server: RedisProcess) -> AsyncIterator[CachePlace]:
        place = CutOffPlace(server)
        yield place
        await place.close()
