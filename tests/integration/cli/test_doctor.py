"""`profilecore doctor --cache` finds what is stale, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Run
from tests.support.http import PROFILES, created, path_of
from tests.support.processes import serving
from tests.support.redis import RedisProcess


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path / "redis") as server:
        yield server


def aged(client: Any, id_: str) -> None:
    """Put an absence there, of an earlier version, as if a write had not come through."""
    (key,) = client.keys(f"*:{id_.replace('-', '')}")
    epoch, version, _ = client.get(key).split(b":", 2)
    client.set(key, b"%s:%d:9999999999999:-" % (epoch, int(version) - 1))


def test_it_finds_what_is_stale(tmp_path: Path, run: Run, redis: RedisProcess) -> None:
    settings = {"CACHE": "redis", "REDIS_ADDRESS": redis.address, "DATA_DIR": str(tmp_path / "d")}
    with serving(tmp_path, **settings) as (_, client):
        people = [created(client) for _ in range(3)]
        gone = created(client)
        client.delete(path_of(gone))
        client.get(path_of(gone))
        client.get(f"{PROFILES}/{people[0]['id']}")
        fine = run("doctor", "--cache", **settings)
        assert fine.returncode == 0, fine.stderr
        assert fine.stdout.splitlines()[-1].endswith(", 0 stale")
        assert fine.stdout.startswith("4 checked, ")
        with redis.client() as direct:
            aged(direct, people[1]["id"])
            found = run("doctor", "--cache", **settings)
    assert found.returncode == 1, found.stderr
    assert f"{people[1]['id']}: cached at version 0, stored at version 1" in found.stdout
    assert "1 stale" in found.stdout
    assert people[1]["name"] not in found.stdout


@pytest.mark.parametrize("cache", ["memory", "noop"])
def test_there_is_nothing_to_look_at_where_nothing_is_shared(run: Run, cache: str) -> None:
    done = run("doctor", "--cache", CACHE=cache)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert cache in done.stdout


def test_it_has_to_be_told_what_to_look_at(run: Run) -> None:
    assert run("doctor").returncode == 2


@pytest.mark.parametrize("count", [0, 1])
def test_a_redis_that_is_not_there_is_told(run: Run, redis: RedisProcess, count: int) -> None:
    if count:
        assert run("seed", "--count", str(count)).returncode == 0
    redis.kill()
    done = run("doctor", "--cache", CACHE="redis", REDIS_ADDRESS=redis.address)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "profilecore: Redis cannot be reached.\n"
