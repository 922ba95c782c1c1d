"""Two real servers with their own ways to Redis: cut one, write through it, read the other."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.campaign import dice, rounds
from tests.support.http import PROFILES, created
from tests.support.processes import Server
from tests.support.proxy import ThreadedProxy, proxied
from tests.support.redis import RedisProcess

OLD_MAX = 1.0
BACK_MAX = 5.0


class Way:
    """A server with its own proxy to Redis."""

    def __init__(self, folder: Path, data: Path, proxy: ThreadedProxy) -> None:
        folder.mkdir()
        self.proxy = proxy
        self._folder = folder
        self._settings = {
            "CACHE": "redis",
            "REDIS_ADDRESS": proxy.address,
            "DATA_DIR": str(data),
            "LOG_LEVEL": "warning",
        }
        self.start()

    def start(self) -> None:
        self.server = Server(self._folder, **self._settings).__enter__()
        self.client = self.server.client(timeout=10.0)

    def kill(self) -> None:
        self.client.close()
        self.server.kill()

    def read(self, id_: str) -> httpx.Response:
        response = self.client.get(f"{PROFILES}/{id_}")
        assert response.status_code in {200, 404}, response.text
        return response

    def version(self, id_: str) -> int:
        """0 for a deleted profile."""
        response = self.read(id_)
        return int(response.json()["profile"]["version"]) if response.status_code == 200 else 0

    def in_fallback(self) -> bool:
        component: dict[str, Any] = self.client.get("/health").json()["components"]["cache"]
        return bool(component["status"] == "degraded")

    def until_back(self) -> None:
        deadline = time.monotonic() + BACK_MAX
        while self.in_fallback():
            assert time.monotonic() < deadline, "Redis is there again, and is not in use"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def ways(
    server: RedisProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Way, Way]]:
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        made = []
        for name in ("one", "other"):
            proxy = stack.enter_context(proxied(server.port))
            made.append(Way(folder / name, folder / "data", proxy))
            stack.callback(made[-1].kill)
        yield made[0], made[1]


def break_somehow(way: Way, rng: random.Random) -> str:
    fault = rng.choice(["cut", "hush", "slow", "reset", "none"])
    if fault == "slow":
        way.proxy.slow(0.1)
    elif fault != "none":
        getattr(way.proxy, fault)()
    return fault


def write(way: Way, id_: str, rng: random.Random, *, dies: bool) -> None:
    """Change the profile; with `dies` the server is killed about when it commits."""
    killer = threading.Timer(rng.random() * 0.02, way.server.process.kill)
    if dies:
        killer.start()
    try:
        response = way.client.put(f"{PROFILES}/{id_}", json={"bio": str(rng.random())})
        assert response.status_code == 200, response.text
    except httpx.TransportError:
        assert dies
    if dies:
        killer.join()
        way.kill()
        way.start()


@pytest.mark.timeout(7200)
def test_never_older_than_a_second_and_once_healed_never(ways: tuple[Way, Way]) -> None:
    rng = dice("two servers")
    for number in range(rounds(6, 1_000)):
        writer, reader = rng.sample(ways, 2)
        id_ = created(writer.client)["id"]
        assert writer.version(id_) == reader.version(id_) == 1
        told = [break_somehow(writer, rng), break_somehow(reader, rng)]
        dies = number % 4 == 3
        write(writer, id_, rng, dies=dies)
        acknowledged = time.monotonic()
        truth = int(writer.client.get(f"{PROFILES}/{id_}/events").json()[0]["version"])
        for way in ways:
            while way.version(id_) != truth:
                assert time.monotonic() - acknowledged < OLD_MAX, (number, told, dies)
                time.sleep(0.01)
        time.sleep(rng.random() * OLD_MAX)
        for way in ways:
            way.proxy.heal()
        for way in ways:
            way.until_back()
        time.sleep(max(0, acknowledged + OLD_MAX - time.monotonic()))
        for way in ways:
            for _ in range(3):
                assert way.version(id_) == truth, (number, told, dies)


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
