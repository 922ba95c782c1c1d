"""What a span costs: the CPU of a process that answers reads, with tracing and without.

The servers run side by side and are asked in turn; what is compared is the CPU time that each one's
process took for a request (its threads too, those that send spans to the collector among them) in
the best of the rounds: what else runs on a machine makes each dearer, and none cheaper. A read from
memory has one span, a read from Redis two.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks._measuring import folder, table, verdict
from tests.support.collector import Collector
from tests.support.http import PROFILES, created
from tests.support.processes import Server
from tests.support.redis import RedisProcess

ROUNDS: Final = 8
REQUESTS: Final = 2_000
CONNECTIONS: Final = 8
COST_MAX: Final = 60.0  # µs a request, with one span
WAYS: Final[Mapping[str, Mapping[str, str]]] = {
    "off": {"OTEL_TRACES_EXPORTER": "none"},
    "on, 1 % sampled": {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    },
    "on, all sampled": {},
}


async def ask(port: int, path: str) -> None:
    """So many requests, one after the other on each of some connections."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for _ in range(REQUESTS // CONNECTIONS):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(size)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def cost(server: Server, path: str) -> float:
    """µs of CPU that its process took for one request."""
    before = taken_by(server)
    asyncio.run(ask(server.port, path))
    return (taken_by(server) - before) / REQUESTS / 1_000


def taken_by(server: Server) -> int:
    """Nanoseconds of CPU, of all its threads."""
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads)


def compared(given: Mapping[str, str]) -> dict[str, float]:
    """The cost of each way."""
    with ExitStack() as stack:
        collector = stack.enter_context(Collector())
        settings = {**collector.settings, "LOG_FORMAT": "json", **given}
        del settings["OTEL_BSP_SCHEDULE_DELAY"]  # as they are sent by default
        servers: dict[str, tuple[Server, str]] = {}
        for way, more in WAYS.items():
            place = stack.enter_context(folder())
            server = stack.enter_context(Server(place, **{**settings, **more}))
            with server.client() as client:
                servers[way] = server, f"{PROFILES}/{created(client)['id']}"
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(ROUNDS + 1):
            for way, (server, path) in servers.items():
                taken = cost(server, path)
                if turn:  # the first one warms up
                    found[way].append(taken)
        assert len(collector.spans) > ROUNDS * REQUESTS, "they were not sent"
        return {way: min(costs) for way, costs in found.items()}


def main() -> int:
    with folder() as place, RedisProcess(place / "redis") as redis:
        works = {
            "read from memory": {},
            "read from Redis": {"CACHE": "redis", "REDIS_ADDRESS": redis.address},
        }
        found = {work: compared(given) for work, given in works.items()}
    rows = [
        [f"{work}, {way}", f"{taken:.0f}", f"{taken - costs['off']:+.0f}"]
        for work, costs in found.items()
        for way, taken in costs.items()
    ]
    table(("µs of CPU a request", "all", "of it tracing"), rows)
    one = found["read from memory"]
    missed = one["on, all sampled"] - one["off"]
    return verdict([f"a span costs {missed:.0f} µs"] if missed > COST_MAX else [])


if __name__ == "__main__":
    sys.exit(main())
