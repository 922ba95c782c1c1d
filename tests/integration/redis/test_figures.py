"""What Redis says of itself, and how its failures are counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from profilecore.adapters.redis import RedisCache, RedisFigures, RedisServer
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.relay import Horizon
from profilecore.testing.samples import person
from tests.support.inside import inside
from tests.support.redis import RedisProcess


@asynccontextmanager
async def watched(server: RedisProcess) -> AsyncIterator[RedisFigures]:
    figures = RedisFigures(RedisServer(host="127.0.0.1", port=server.port), interval=0.02)
    task = asyncio.create_task(figures.watch())
    try:
        yield figures
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_they_are_asked_in_the_background(tmp_path: Path) -> None:
    bound = ("--maxmemory", "20mb")
    with RedisProcess(tmp_path, *bound) as server, server.client() as client:
        client.mset({f"key{number}": "x" for number in range(7)})
        client.set("short", "x", px=1)
        async with watched(server) as figures:
            gone = {"capacity": 0, "expired": 1}
            await eventually(lambda: figures.size == 7 and figures.evicted == gone)
            assert (figures.memory_bytes or 0) > 500_000
            assert figures.memory_max_bytes == 20 * 1024 * 1024
            client.config_set("maxmemory", 0)
            await eventually(lambda: figures.memory_max_bytes is None)


async def test_nothing_is_known_of_a_redis_that_does_not_answer(tmp_path: Path) -> None:
    with RedisProcess(tmp_path) as server:
        async with watched(server) as figures:
            await eventually(lambda: figures.size is not None)
            server.kill()
            await eventually(lambda: figures.size is None)
            known = (figures.memory_bytes, figures.memory_max_bytes, figures.evicted)
            assert known == (None, None, {})
            server.start()
            await eventually(lambda: figures.size is not None)


async def test_each_call_that_fails_is_counted(tmp_path: Path) -> None:
    counted = []
    with RedisProcess(tmp_path) as server:
        at = RedisServer(host="127.0.0.1", port=server.port)
        cache = RedisCache(at, Horizon(0), failed=lambda: counted.append(1), connections=1)
        await cache.open()
        try:
            await cache.get([new_id()])
            assert not counted
            server.pause()
            busy = cache.get([new_id()]), cache.put(person())
            outcomes = await asyncio.gather(*busy, return_exceptions=True)
            assert [getattr(o, "code", None) for o in outcomes] == ["timeout", "busy"]
            assert len(counted) == 2
            server.kill()
            with pytest.raises(Unavailable):
                await cache.position()
            assert len(counted) == 3
        finally:
            await cache.close()


async def test_the_metrics_show_both_caches_and_the_errors_that_became_misses(
    tmp_path: Path,
) -> None:
    with RedisProcess(tmp_path / "redis") as server:
        async with inside(tmp_path, CACHE="redis", REDIS_ADDRESS=server.address) as app:
            await eventually(lambda: app.metric("cache_memory_bytes", cache="redis"))
            await eventually(lambda: not app.metric("cache_fallback_active"))
            assert app.metric("cache_size", cache="redis") >= 1, "the state"
            assert app.metric("cache_size", cache="memory") == 0
            before = app.metric("cache_errors_total")
            server.kill()
            await app.client.get(f"/api/v1/profiles/{new_id()}")
            assert app.metric("cache_errors_total") > before
