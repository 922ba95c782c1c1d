"""Twice as many requests as can be answered, whether anybody waits for them or not.

In turn the maximum is found with as many connections as make it (closed loop), and twice of it is
sent, at its times, whatever comes back (open loop), and then half of it, to see how soon all is as
before. Promised: at twice the maximum at least 0.9 of it is answered well, the rest is refused
quickly, and two seconds later nothing is left of it. The client shares the machine with the server.
"""

import asyncio
import json
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

import uvloop

from benchmarks._measuring import folder, rate, table, verdict
from tests.support.http import PROFILES, created, person
from tests.support.processes import serving

SECONDS: Final = 2.0
ROUNDS: Final = 5
FIGURES: Final = ("most", "good", "good_p99", "refused", "refused_p50", "refused_p99")
CONNECTIONS: Final = 64
SOCKETS: Final = 2_000
GOODPUT_MIN: Final = 0.9
BACK_MAX: Final = 2.0
TICK: Final = 0.001
QUICK: Final = 100.0  # milliseconds

Request = Callable[[int], bytes]


@dataclass
class Answers:
    """When each was due, how long after that and after it was sent it came (s), and its status."""

    found: list[tuple[float, float, float, int]] = field(default_factory=list)
    lost: int = 0

    def of(self, *statuses: int) -> list[tuple[float, float, float]]:
        return [found[:3] for found in self.found if found[3] in statuses]


class Client(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._received = b""
        self._due: float | None = None
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._load.idle.append(self)

    def ask(self, request: bytes, due: float) -> bool:
        assert self._transport is not None
        if self._transport.is_closing():
            return False
        self._due, self._sent = due, time.perf_counter()
        self._transport.write(request)
        return True

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._received = b""
        assert self._due is not None
        self._load.came(self._due, self._sent, head)
        self._due = None
        self._load.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._load.lost(self._due is not None)


class Load:
    """Requests at their times; one that finds no connection waits, and that counts as time.

    The connections are there before, as those of a load balancer are.
    """

    def __init__(self, port: int, request: Request) -> None:
        self.idle: deque[Client] = deque()
        self.answers = Answers()
        self._port = port
        self._request = request
        self._number = 0
        self._opening: set[asyncio.Task[None]] = set()

    async def send(self, per_second: float, seconds: float) -> tuple[float, Answers]:
        """Send so many; give when it began, and what had come back by the end."""
        self.answers = Answers()
        began = time.perf_counter()
        number, total = 0, int(per_second * seconds)
        while number < total:
            until = int((time.perf_counter() - began) * per_second)
            while number < min(until, total):
                if not self.idle:
                    break
                client = self.idle.popleft()
                if client.ask(self._request(self._number), began + number / per_second):
                    number += 1
                    self._number += 1
            await asyncio.sleep(TICK)
        return began, self.answers

    async def connect(self, number: int = 1) -> None:
        """Make so many connections, one after the other."""
        loop = asyncio.get_running_loop()
        for _ in range(number):
            await loop.create_connection(lambda: Client(self), "127.0.0.1", self._port)

    def came(self, due: float, sent: float, head: bytes) -> None:
        """An answer, as its head says it."""
        now = time.perf_counter()
        self.answers.found.append((due, now - due, now - sent, int(head[9:12])))

    def lost(self, unanswered: bool) -> None:
        """A connection was closed, as one is whose body nobody reads; there is another then."""
        self.answers.lost += unanswered
        task = asyncio.get_running_loop().create_task(self.connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)


@dataclass(frozen=True)
class Found:
    """What was seen at twice the maximum, and after it."""

    most: float
    good: float
    good_p99: float
    refused: float
    refused_p50: float
    refused_p99: float
    lost: int
    back: float


def percentile(took: Iterable[float], part: float) -> float:
    in_order = sorted(took)
    return in_order[int(len(in_order) * part)] * 1000 if in_order else 0.0


async def overload(port: int, request: Request) -> list[Found]:
    """Several rounds, each between two looks at the maximum: a machine is not always as fast."""

    async def closed(seconds: float) -> float:
        return (await rate(port, request, connections=CONNECTIONS, seconds=seconds)).per_second

    found = []
    await closed(1)
    load = Load(port, request)
    await load.connect(SOCKETS)
    before = await closed(SECONDS)
    for _ in range(ROUNDS):
        once = await _round(load, before)
        after = await closed(SECONDS)
        found.append(replace(once, most=(before + after) / 2))
        before = after
    return found


async def _round(load: Load, most: float) -> Found:
    _, before = await load.send(most / 2, 2)
    usual = max(QUICK, 2 * percentile((took for _, took, _ in before.of(200, 201)), 0.99)) / 1000
    began, answers = await load.send(2 * most, SECONDS + 1)
    # What came in the first second is left out: there is room for so many that begin at once.
    good, refused = (
        [sent for due, took, sent in answers.of(*statuses) if due + took > began + 1]
        for statuses in ((200, 201), (503, 429))
    )
    took = time.perf_counter() - began - 1
    began, after = await load.send(most / 2, 3)
    await asyncio.sleep(0.5)
    bad = [
        due
        for due, took, _, status in after.found
        if due >= began and (status >= 400 or took > usual)
    ]
    return Found(
        most,
        len(good) / took,
        percentile(good, 0.99),
        len(refused) / took,
        percentile(refused, 0.5),
        percentile(refused, 0.99),
        answers.lost + after.lost,
        max((due - began for due in bad), default=0.0),
    )


def post(_: int) -> bytes:
    body = json.dumps(person(bio="x" * 200)).encode()
    head = f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def measure(place: Path, kind: str, most: str) -> list[Found]:
    given = {"LOG_LEVEL": "warning", "TASK_CONCURRENCY": "0", "REQUESTS_MAX": most}
    with serving(place, **given) as (server, client):
        ids = [created(client, bio="x" * 200)["id"] for _ in range(200)]

        def get(number: int) -> bytes:
            path = f"{PROFILES}/{ids[number % len(ids)]}"
            if kind == "list":
                path = f"{PROFILES}?limit=20"
            return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(overload(server.port, post if kind == "create" else get))


def main() -> int:
    kinds = sys.argv[1:2] or ["read", "list", "create"]
    caps = sys.argv[2:] or ["512"]
    rows, missed = [], []
    with folder() as root:
        for kind in kinds:
            for cap in caps:
                found = measure(root / f"{kind}{cap}", kind, cap)
                part = statistics.median(once.good / once.most for once in found)
                back = statistics.median(once.back for once in found)
                middle = [
                    f"{statistics.median(getattr(once, what) for once in found):,.0f}"
                    for what in FIGURES
                ]
                most, good, *others = middle
                lost = sum(once.lost for once in found)
                name = f"{kind}, at most {cap}"
                rows.append((name, most, good, f"{part:.2f}", *others, f"{lost}", f"{back:.1f}"))
                if part < GOODPUT_MIN:
                    missed.append(f"{kind}: {part:.2f} of the maximum, {GOODPUT_MIN} promised")
                if back > BACK_MAX:
                    missed.append(f"{kind}: {back:.1f} s until all was as before")
    head = ("requests", "max/s", "good/s", "part", "p99 ms", "refused/s", "p50", "p99", "lost")
    table((*head, "back s"), rows)
    print(f"The medians of {ROUNDS} rounds; server and client on one machine")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
