"""Redis, real, as a shared cache."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.testing.cache import CacheContract
from profilecore.testing.places import CachePlace, Traits
from tests.integration.contracts.shared_places import RedisPlace
from tests.support.redis import RedisProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def place(server: RedisProcess) -> AsyncIterator[CachePlace]:
    place = RedisPlace(server)
    yield place
    await place.close()


class TestRedisCache(CacheContract):
    traits = Traits(durable=True, shared=True)
