"""The servers of one comparison, side by side on their own ports."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from benchmarks._limits import Limits
from profilecore.adapters.postgres import PostgresAddress
from tests.support.callers import token
from tests.support.http import PROFILES, created, person
from tests.support.ports import free_port
from tests.support.postgres import Postgres, database, settings
from tests.support.processes import Server, environment
from tests.support.redis import RedisProcess

READ: Final = ("profiles:read", "profiles:write")
THERE: Final = 1_000


@dataclass(frozen=True)
class Peer:
    """A server, and what it is asked with."""

    port: int
    process: int
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


@contextmanager
def uvicorn(module: str, **variables: str) -> Iterator[Peer]:
    """An application of `benchmarks.peers`, in one process of uvicorn as it comes."""
    port = free_port()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", f"benchmarks.peers.{module}:app"),
            *("--port", str(port), "--log-level", "warning", "--no-access-log"),
        ],
        env=environment(**variables),
    ) as process:
        try:
            until_it_answers(port)
            yield Peer(port, process.pid)
        finally:
            process.terminate()


@contextmanager
def ours(place: Path, **variables: str) -> Iterator[Peer]:
    """`serve`, with a token asked for, metrics, and a log line for each request."""
    place.mkdir()
    given = {
        "AUTH_MODE": "token",
        "LOG_FORMAT": "json",
        "BLOBS_URL": "memory:",
        "TASK_CONCURRENCY": "0",
        "DATABASE": "sqlite",
        "REQUESTS_MAX": "600",  # a load of 512 connections is meant to be taken
        **variables,
    }
    shown = token(place, READ, **given)
    with Server(place, command="serve", **given) as server:
        headers = {"Authorization": f"Bearer {shown}"}
        with server.client(headers=headers) as client:
            ids = tuple(created(client, bio="x" * 200)["id"] for _ in range(THERE))
            for profile_id in ids:
                client.get(f"{PROFILES}/{profile_id}").raise_for_status()
        yield Peer(server.port, server.process.pid, headers, ids)


@contextmanager
def plain(address: PostgresAddress, redis: RedisProcess) -> Iterator[Peer]:
    """The plain service, filled."""
    login = f"{address.user}:{quote(address.password or '', safe='')}"
    where = f"postgresql+asyncpg://{login}@{address.host}:{address.port}/{address.name}"
    variables = {"PLAIN_DATABASE": where, "PLAIN_REDIS": f"redis://{redis.address}/1"}
    with uvicorn("plain", **variables) as peer:
        with httpx.Client(base_url=f"http://127.0.0.1:{peer.port}", trust_env=False) as client:
            made = (client.post("/profiles", json=_new()) for _ in range(THERE))
            ids = tuple(answer.raise_for_status().json()["id"] for answer in made)
        yield Peer(peer.port, peer.process, {}, ids)


@dataclass(frozen=True)
class Servers:
    """All of them, and what they stand on."""

    peers: Mapping[str, Peer]
    limits: Limits


@contextmanager
def servers(root: Path) -> Iterator[Servers]:
    """All of them, on one PostgreSQL and one Redis."""
    with ExitStack() as stack:
        postgres = Postgres()
        postgres.start("-c", "fsync=on")
        stack.callback(postgres.kill)
        address = stack.enter_context(database(postgres.address, dropped=False))
        redis = RedisProcess(root / "redis")
        redis.start()
        stack.callback(redis.kill)
        shared = {**settings(address), "REDIS_ADDRESS": redis.address}
        peers = {
            "constant": stack.enter_context(uvicorn("constant")),
            "plain": stack.enter_context(plain(address, redis)),
            "redis": stack.enter_context(ours(root / "r", **shared, CACHE="redis")),
            "database": stack.enter_context(ours(root / "d", **shared, CACHE="noop")),
            "embedded": stack.enter_context(ours(root / "e", CACHE_MEMORY_MAX=str(2 * THERE))),
        }
        there, key = peers["redis"].ids[0], f"plain:{peers['plain'].ids[0]}"
        yield Servers(peers, Limits(redis, postgres, address, there, key))


def _new() -> dict[str, Any]:
    return person(bio="x" * 200)


def until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
