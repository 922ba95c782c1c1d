"""Requests a second and latencies, each as a ratio to a route that does nothing, in one run."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks._report import Report
from tests.support.processes import Server

CLIENTS = 16
REQUESTS = 5_000
PROFILES = "/api/v1/profiles"


class Connection:
    """One kept-alive connection; a client library would cost more than what is measured."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        self._writer.close()

    async def call(self, request: bytes) -> bytes:
        """Send a request; give the body of its answer, which has to be a success."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await self._reader.readexactly(int(length))
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{request!r} failed: {head!r} {body!r}")
        return body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(number: int) -> bytes:
    body = json.dumps({"name": f"Person {number}", "email": f"p{number}@example.com"})
    head = f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def measure(port: int, request: Callable[[int], bytes]) -> tuple[float, float, float]:
    """Requests a second, median and 99th percentile in milliseconds."""
    numbers, latencies = count(), list[float]()

    async def client() -> None:
        connection = Connection(port)
        await connection.open()
        while (number := next(numbers)) < REQUESTS:
            began = time.perf_counter()
            await connection.call(request(number))
            latencies.append((time.perf_counter() - began) * 1000)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    rate = REQUESTS / (time.perf_counter() - began)
    cuts = statistics.quantiles(latencies, n=100)
    return rate, cuts[49], cuts[98]


async def run(report: Report, port: int) -> None:
    connection = Connection(port)
    await connection.open()
    ids = [json.loads(await connection.call(post(-number)))["id"] for number in range(1, 51)]
    connection.close()
    requests: dict[str, Callable[[int], bytes]] = {
        "nothing (GET /health/live)": lambda _: get("/health/live"),
        "read, from the cache": lambda _: get(f"{PROFILES}/{ids[-1]}"),
        "read, from the database": lambda number: get(f"{PROFILES}/{ids[number % 40]}"),
        "list of 100": lambda _: get(f"{PROFILES}?limit=100"),
        "create": post,
    }
    base = 0.0
    for name, request in requests.items():
        rate, median, worst = await measure(port, request)
        base = base or rate
        report.lines.append(
            f"  {name:<28} {rate:>8,.0f}/s  ratio {rate / base:4.2f}"
            f"  p50 {median:6.2f} ms  p99 {worst:6.2f} ms"
        )


def main() -> None:
    report = Report(f"{REQUESTS:,} requests each by {CLIENTS} clients, in one process beside them")
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), LOG_LEVEL="warning") as one:
        asyncio.run(run(report, one.port))
    report.end()


if __name__ == "__main__":
    main()
