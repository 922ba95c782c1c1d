"""Budgets in Redis, real."""

from collections.abc import AsyncIterator, Iterator

import pytest

from profilecore.adapters.redis import RedisLimiter, RedisServer
from profilecore.ports import Limiter
from profilecore.testing.limits import LimiterContract
from tests.support.redis import RedisProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


class TestRedisLimiter(LimiterContract):
    @pytest.fixture
    async def limiter(self, server: RedisProcess) -> AsyncIterator[Limiter]:
        with server.client() as client:
            client.flushall()
        limiter = RedisLimiter(RedisServer(host="127.0.0.1", port=server.port), patience=5)
        await limiter.open()
        await limiter.join()
        yield limiter
        await limiter.close()
