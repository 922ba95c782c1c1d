"""Two real servers with their own ways to Redis: cut one, write through it, read the other."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import httpx
import pytest
from redis import Redis

from tests.integration.redis.ways import BACK_MAX, OLD_MAX, Way, two_ways
from tests.support.campaign import Campaign, campaign, rounds
from tests.support.http import PROFILES, created
from tests.support.mortal import LAST_WORDS
from tests.support.processes import Server
from tests.support.redis import RedisProcess

GONE = 0
ABSENT = b"-"
STEPS = ("die", "update", "remove", "update")
FAULTS = ("cut", "hush", "slow", "reset", "none")
PAUSE_MAX = 0.06
BROKEN_MAX = 1.6  # seconds; healed before the second is over, or after
PATIENCE = 3 * BACK_MAX  # many servers share the machine


class Schedule:
    """A profile, warm in Redis; a fault for each server; one write, and readings all along."""

    def __init__(
        self, ways: tuple[Way, Way], redis: Redis, rng: random.Random, campaign: Campaign
    ) -> None:
        self._ways = ways
        self._redis = redis
        self._rng = rng
        self._campaign = campaign
        self._told: list[str] = []
        self._stale: list[str] = []

    def run(self, step: str) -> None:
        writer, reader = self._rng.sample(self._ways, 2)
        self._id = created(writer.client)["id"]
        assert writer.version(self._id) == reader.version(self._id) == 1
        assert self._kept() == (1, True)
        for way in self._ways:
            self._break(way)
        {"update": self._update, "remove": self._remove, "die": self._die}[step](writer, reader)
        if self._rng.random() < 0.1:
            self._inject("forget")
            self._redis.flushdb()
        self._watch(self._rng.random() * BROKEN_MAX)
        for way in self._ways:
            way.proxy.heal()
        self._until_back()
        self._watch(self._written + OLD_MAX - time.monotonic())
        self._check_rest()
        self._campaign.passed(stale=len(self._stale))
        assert self._stale == [], self._told

    def _break(self, way: Way) -> None:
        fault = self._rng.choice(FAULTS)
        if fault == "none":
            return
        self._inject(fault)
        if fault == "slow":
            way.proxy.slow(0.1)
        else:
            getattr(way.proxy, fault)()

    def _inject(self, fault: str) -> None:
        self._told.append(fault)
        self._campaign.injected(fault)

    def _update(self, writer: Way, _: Way) -> None:
        response = writer.client.put(f"{PROFILES}/{self._id}", json={"bio": "new"})
        assert response.status_code == 200, response.text
        self._written, self._truth = time.monotonic(), 2

    def _remove(self, writer: Way, _: Way) -> None:
        response = writer.client.delete(f"{PROFILES}/{self._id}")
        assert response.status_code == 204, response.text
        self._written, self._truth = time.monotonic(), GONE

    def _die(self, writer: Way, reader: Way) -> None:
        with pytest.raises(httpx.TransportError):  # the answer never came
            writer.client.put(f"{PROFILES}/{self._id}", json={"bio": LAST_WORDS})
        self._written, self._truth = time.monotonic(), 2
        kept = self._kept()
        assert reader.newest(self._id) == 2, "it was committed"
        assert kept != (2, True), "and Redis was not told"
        self._inject("kill -9 between commit and cache write")
        if kept == (1, True):
            self._inject("kill -9 that left the old copy in Redis")
        writer.kill()
        while time.monotonic() - self._written < OLD_MAX:
            self._look(reader)
        writer.start()

    def _kept(self) -> tuple[int, bool]:
        """The version of what Redis holds, and whether it is an entry; a floor is none."""
        keys = ("profilecore:1:state", f"profilecore:1:{self._id.replace('-', '')}")
        state, entry = (value or b"" for value in cast("list[bytes]", self._redis.mget(*keys)))
        epoch, version, _, copy = [*entry.split(b":", 3), b"", b"", b""][:4]
        if not entry or not state.startswith(epoch + b":"):
            return GONE, False
        return GONE if copy == ABSENT else int(version), bool(copy)

    def _watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for way in self._ways:
                self._look(way)
            time.sleep(self._rng.random() * PAUSE_MAX)

    def _look(self, way: Way) -> None:
        began = time.monotonic()
        version = way.version(self._id)
        if version != self._truth and began - self._written > OLD_MAX:
            age = f"{began - self._written:.3f} s after the write"
            self._stale.append(f"version {version} {age}, {self._truth} is the truth")

    def _until_back(self) -> None:
        healed = time.monotonic()
        while any(way.in_fallback() for way in self._ways):
            assert time.monotonic() - healed < PATIENCE, "Redis is there again, and is not in use"
            self._watch(PAUSE_MAX)

    def _check_rest(self) -> None:
        for way in self._ways:
            for _ in range(3):
                if (version := way.version(self._id)) != self._truth:
                    self._stale.append(f"version {version} at rest, {self._truth} is the truth")
        version, copied = self._kept()
        if copied and version != self._truth:
            self._stale.append(f"version {version} is left in Redis, {self._truth} is the truth")


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_never_older_than_a_second_and_once_healed_never(
    server: RedisProcess, tmp_path: Path
) -> None:
    """In several pairs side by side, each with a file and a database of Redis of its own."""
    pairs = rounds(2, 8)
    with campaign("two servers", rounds(8, 1_000)) as run, ExitStack() as stack:
        seeds = iter([(nth, run.dice.random()) for nth in range(run.number)])
        failed = threading.Event()

        def work(number: int) -> None:
            try:
                with (
                    two_ways(server, tmp_path / str(number), number) as ways,
                    server.client(db=number) as redis,
                ):
                    for nth, seed in seeds:
                        if failed.is_set():
                            return
                        Schedule(ways, redis, random.Random(seed), run).run(STEPS[nth % 4])
            except BaseException:
                failed.set()
                raise

        threads = stack.enter_context(ThreadPoolExecutor(pairs))
        stack.callback(failed.set)  # also where the wait for them is broken off
        for worker in [threads.submit(work, number) for number in range(1, pairs + 1)]:
            worker.result()
        assert run.done == run.number


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


def test_what_one_has_answered_the_other_gives_at_once(ways: tuple[Way, Way]) -> None:
    """Without a token: who saves sees what was saved, whichever server is asked."""
    one, other = ways
    id_ = created(one.client)["id"]
    for version in range(2, 102):
        assert other.version(id_) == version - 1  # from now on Redis has a copy
        changed = one.client.put(f"{PROFILES}/{id_}", json={"bio": str(version)})
        assert changed.json()["version"] == version
        assert other.version(id_) == version


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
