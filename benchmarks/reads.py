"""Requests per second and latency of reads and writes, beside an answer that does no work.

The client shares the machine with the server, so that the ratios say more than the numbers.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks._measuring import Rate, folder, rate, table
from tests.support.http import PROFILES, created, person
from tests.support.processes import Server, serving

CONNECTIONS = 32
SECONDS = 4.0
PROFILES_THERE = 1_000

Request = Callable[[int], bytes]


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(_: int) -> bytes:
    body = json.dumps(person(bio="x" * 200)).encode()
    head = f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def run(server: Server, request: Request) -> Rate:
    asyncio.run(rate(server.port, request, connections=CONNECTIONS, seconds=0.5))
    return asyncio.run(rate(server.port, request, connections=CONNECTIONS, seconds=SECONDS))


def measure(place: Path, cache: str) -> dict[str, Rate]:
    with serving(place, CACHE=cache, LOG_LEVEL="warning") as (server, client):
        ids = [created(client, bio="x" * 200)["id"] for _ in range(PROFILES_THERE)]
        live = get("/health/live")
        page = get(f"{PROFILES}?limit=100")
        one = [get(f"{PROFILES}/{profile_id}") for profile_id in ids]
        found = {"nothing (/health/live)": run(server, lambda _: live)}
        if cache == "memory":
            found["read, cached"] = run(server, lambda number: one[-1 - number % 10])
            found["read, memory cache missed"] = run(server, lambda n: one[n % len(one)])
            found["list of 100"] = run(server, lambda _: page)
            found["create"] = run(server, post)
        else:
            found["read, database"] = run(server, lambda number: one[number % len(one)])
        return found


def main() -> int:
    rows = []
    with folder() as root:
        for cache in ("memory", "noop"):
            found = measure(root / cache, cache)
            base = found["nothing (/health/live)"].per_second
            for name, measured in found.items():
                rows.append(
                    (
                        f"{name} [CACHE={cache}]",
                        f"{measured.per_second:,.0f}",
                        f"{measured.per_second / base:.2f}",
                        f"{measured.p50:.1f}",
                        f"{measured.p99:.1f}",
                    )
                )
    table(("what", "requests/s", "of nothing", "p50 ms", "p99 ms"), rows)
    print(f"{CONNECTIONS} connections, {SECONDS:g} s each, server and client on one machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
