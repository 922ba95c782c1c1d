"""Two real servers with their own ways to Redis, and what they say of it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.redis.ways import BACK_MAX, OLD_MAX, Way, two_ways
from tests.support.http import PROFILES, created
from tests.support.processes import Server
from tests.support.redis import RedisProcess


@pytest.fixture(scope="module")
def ways(
    server: RedisProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Way, Way]]:
    with two_ways(server, tmp_path_factory.mktemp("servers"), db=0) as ways:
        yield ways


def test_a_deletion_while_cut_off_is_seen_by_the_other(ways: tuple[Way, Way]) -> None:
    one, other = ways
    id_ = created(one.client)["id"]
    assert other.version(id_) == 1
    one.proxy.cut()
    assert one.client.delete(f"{PROFILES}/{id_}").status_code == 204
    time.sleep(OLD_MAX)
    assert other.version(id_) == 0
    one.proxy.heal()
    one.until_back()
    assert one.version(id_) == other.version(id_) == 0


def test_answers_and_metrics_tell_which_cache_is_in_use(ways: tuple[Way, Way]) -> None:
    one, _ = ways
    id_ = created(one.client)["id"]
    deadline = time.monotonic() + BACK_MAX
    while (said := one.read(id_).headers["x-cache"]) != "hit":
        assert said == "miss"
        assert time.monotonic() < deadline
    one.proxy.cut()
    deadline = time.monotonic() + BACK_MAX
    while (said := one.read(id_).headers["x-cache"]) != "fallback":
        assert said in {"hit", "miss"}
        assert time.monotonic() < deadline
    assert "cache_fallback_active 1.0" in one.client.get("/metrics").text
    assert one.client.get("/health").json()["status"] == "degraded"
    assert one.client.get("/health/ready").status_code == 200
    one.proxy.heal()
    one.until_back()
    assert "cache_fallback_active 0.0" in one.client.get("/metrics").text
    assert one.client.get("/health").json()["status"] == "healthy"


def test_a_silent_redis_does_not_keep_a_server_from_stopping(
    server: RedisProcess, tmp_path: Path
) -> None:
    settings = {"CACHE": "redis", "REDIS_ADDRESS": server.address, "LOG_LEVEL": "warning"}
    with Server(tmp_path, **settings) as service, service.client() as client:
        created(client)
        server.pause()
        try:
            assert service.stop() == 0
        finally:
            server.resume()
    assert "Traceback" not in service.errors


def test_a_miss_is_counted_once(server: RedisProcess, tmp_path: Path) -> None:
    settings = {"CACHE": "redis", "REDIS_ADDRESS": server.address}
    with Server(tmp_path, **settings) as service, service.client() as client:
        id_ = created(client)["id"]
        with server.client() as redis:
            for key in redis.scan_iter("profilecore:*"):
                if key.endswith(id_.replace("-", "").encode()):
                    redis.delete(key)
        for source in ("database", "cache", "cache"):
            assert client.get(f"{PROFILES}/{id_}").json()["source"] == source
        text = client.get("/metrics").text
    assert "cache_misses_total 1.0" in text
    assert "cache_hits_total 2.0" in text
