"""Reads beside 200 clients that send a body slowly and 200 that send headers slowly.

Limit: the reads' p99 is less than 10 ms above what it is without those clients, the median of some
rounds, in which the two are measured in turn. The slow ones, which run in a process of their own,
send a byte each half second, and come back when they are cut off.
"""

import asyncio
import sys
import time
from contextlib import suppress
from multiprocessing import get_context
from statistics import median, quantiles
from typing import Final

import httpx

from benchmarks._measuring import folder, table, verdict
from tests.support.http import PROFILES, created, path_of
from tests.support.processes import serving

EACH: Final = 200
ROUNDS: Final = 5
SECONDS: Final = 4.0
EVERY: Final = 0.5
PAUSE: Final = 0.002
MORE_MAX: Final = 10.0
BODY: Final = (
    f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 100000\r\n\r\n{"
).encode()
HEAD: Final = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


async def slow(port: int, begin: bytes) -> None:
    """Send a byte now and then, for ever, and begin anew where that was not liked."""
    while True:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            writer.write(begin)
            while True:
                await asyncio.sleep(EVERY)
                writer.write(b"a")
                await writer.drain()
        writer.close()


async def all_slow(port: int) -> None:
    await asyncio.gather(*(slow(port, begin) for begin in (BODY, HEAD) * EACH))


def be_slow(port: int) -> None:
    asyncio.run(all_slow(port))


async def reads(client: httpx.AsyncClient, path: str) -> list[float]:
    """Milliseconds of each read, one by one, for some seconds."""
    took = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.perf_counter()
        response = await client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200
        await asyncio.sleep(PAUSE)
    return took


def p99(port: int, path: str) -> float:
    async def asked() -> list[float]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            return await reads(client, path)

    return quantiles(asyncio.run(asked()), n=100)[98]


def measure(port: int, path: str) -> tuple[float, float]:
    """The p99 without slow clients, and with them."""
    alone = p99(port, path)
    others = get_context("spawn").Process(target=be_slow, args=(port,), daemon=True)
    others.start()
    time.sleep(2)  # until they are there
    beside = p99(port, path)
    others.kill()
    others.join()
    return alone, beside


def main() -> int:
    rows, more = [], []
    settings = {"HEAD_TIMEOUT": "2s", "BODY_TIMEOUT": "3s", "LOG_LEVEL": "warning"}
    with folder() as root, serving(root, **settings) as (server, client):
        path = path_of(created(client))
        for number in range(ROUNDS):
            without, beside = measure(server.port, path)
            more.append(beside - without)
            rows.append((f"round {number + 1}", f"{without:.1f} ms", f"{beside:.1f} ms"))
    table(("p99 of reads", "alone", "beside slow clients"), rows)
    print(f"\nmore: {median(more):.1f} ms, the median of {ROUNDS} rounds")
    if median(more) >= MORE_MAX:
        return verdict([f"p99 rose by {median(more):.1f} ms, and by {MORE_MAX:g} at most it may"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
