"""Reads and writes while Redis is refused, silent, slow, or breaks off in its answers.

Promised: no request fails; the slowest hundredth is at most 250 ms later than with a healthy Redis;
Redis is in use again within 5 s after it is back; 500 requests at once are no outage. Each fault
begins in the middle of the load, and what was under way then is measured too. The client shares the
machine with the server and with Redis, so that only differences within one run mean something.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import httpx

from benchmarks._measuring import folder, table, verdict
from tests.support.http import PROFILES, created
from tests.support.processes import Server
from tests.support.proxy import ThreadedProxy, proxied
from tests.support.redis import RedisProcess

CLIENTS: Final = 32
PAUSE: Final = 0.03  # of a client between two requests: this is about waiting, not about throughput
WRITE_EACH: Final = 10
PROFILES_THERE: Final = 200
SECONDS: Final = 8.0
LATER_MAX: Final = 250.0
BACK_MAX: Final = 5.0
AT_ONCE: Final = 500

Break = Callable[[], None]


@dataclass(frozen=True)
class Found:
    """What the clients saw; milliseconds."""

    requests: int
    failed: int
    p50: float
    p99: float
    most: float


class Load:
    """Clients that read and write, each with a connection of its own."""

    def __init__(self, port: int, ids: list[str]) -> None:
        self._port = port
        self._ids = ids
        self._failed = 0
        self._took: list[float] = []

    async def run(self, seconds: float, midway: Break) -> Found:
        """Ask for that long; `midway` is called after a little while."""
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, midway)
        end = loop.time() + seconds
        await asyncio.gather(*(self._client(number, end) for number in range(CLIENTS)))
        took = sorted(self._took)
        p50, p99, most = (took[round((len(took) - 1) * part)] * 1000 for part in (0.5, 0.99, 1))
        return Found(len(took), self._failed, p50, p99, most)

    async def burst(self, number: int) -> int:
        """So many reads at once, each on a new connection; give how many failed."""
        await asyncio.gather(*(self._client(n, 0, first=1) for n in range(number)))
        return self._failed

    async def _client(self, number: int, end: float, first: int = 0) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        turn = number * 7 + first
        while True:
            began = time.perf_counter()
            writer.write(self._request(turn))
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            self._took.append(time.perf_counter() - began)
            self._failed += not head.startswith(b"HTTP/1.1 200")
            turn += 1
            if asyncio.get_running_loop().time() >= end:
                break
            await asyncio.sleep(PAUSE)
        writer.close()

    def _request(self, turn: int) -> bytes:
        path = f"{PROFILES}/{self._ids[turn * 13 % len(self._ids)]}"
        if turn % WRITE_EACH:
            return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        body = json.dumps({"bio": str(turn)}).encode()
        head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def in_fallback(client: httpx.Client) -> bool:
    return "cache_fallback_active 1.0" in client.get("/metrics").text


def until_back(client: httpx.Client) -> float:
    """Seconds until Redis is in use; three times the limit where it is not."""
    began = time.perf_counter()
    while in_fallback(client) and time.perf_counter() - began < 3 * BACK_MAX:
        time.sleep(0.02)
    return time.perf_counter() - began


def faults(redis: RedisProcess, proxy: ThreadedProxy) -> dict[str, tuple[Break, Break]]:
    """How each is begun and ended."""
    return {
        "normal": (lambda: None, lambda: None),
        "refused": (proxy.cut, proxy.heal),
        "silent": (redis.pause, redis.resume),
        "slow, +100 ms": (lambda: proxy.slow(0.1), proxy.heal),
        "resetting": (proxy.reset, proxy.heal),
        "killed, then new": (redis.kill, redis.start),
    }


def main() -> int:
    rows, missed = [], []
    with ExitStack() as stack:
        place = stack.enter_context(folder())
        redis = stack.enter_context(RedisProcess(place / "redis"))
        proxy = stack.enter_context(proxied(redis.port))
        settings = {"CACHE": "redis", "REDIS_ADDRESS": proxy.address, "LOG_LEVEL": "info"}
        server = stack.enter_context(Server(place, **settings))
        client = stack.enter_context(server.client())
        ids = [created(client, bio="x" * 200)["id"] for _ in range(PROFILES_THERE)]
        asyncio.run(Load(server.port, ids).run(2.0, lambda: None))  # warm
        normal = None
        for name, (begin, end) in faults(redis, proxy).items():
            found = asyncio.run(Load(server.port, ids).run(SECONDS, begin))
            turned = in_fallback(client)
            end()
            back = until_back(client)
            normal = normal or found
            later = found.p99 - normal.p99
            rows.append(
                (
                    name,
                    f"{found.requests:,}",
                    f"{found.failed:,}",
                    f"{found.p50:.1f}",
                    f"{found.p99:.1f}",
                    f"{later:+.1f}",
                    f"{found.most:.0f}",
                    f"{back:.1f}" if turned else "-",
                )
            )
            missed += [f"{name}: {found.failed} requests failed"] * bool(found.failed)
            missed += [f"{name}: p99 is {later:.0f} ms later"] * (later > LATER_MAX)
            missed += [f"{name}: back after {back:.1f} s"] * (back > BACK_MAX)
        time.sleep(1)
        turns = server.errors.count("the cache has turned")
        failed = asyncio.run(Load(server.port, ids).burst(AT_ONCE))
        missed += [f"{AT_ONCE} at once: {failed} failed"] * bool(failed)
        if server.errors.count("the cache has turned") != turns:
            missed.append(f"{AT_ONCE} at once were taken for an outage")
    table(("Redis is", "requests", "failed", "p50 ms", "p99 ms", "later", "most", "back s"), rows)
    print(f"{AT_ONCE} requests at once on a healthy Redis: {failed} failed")
    print(f"{CLIENTS} clients, one request in {WRITE_EACH} a write, {SECONDS:g} s each")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
