"""Reads while Redis is silent and comes back, and is killed and started anew, along the time.

They come at fixed times, a quarter of as many as can be answered, whatever becomes of those before.
The server and its Redis are of this part alone.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

import uvloop

from benchmarks._open import request
from benchmarks._peers import Peer, ours
from benchmarks._plots import Plot, series
from benchmarks._report import Found, Table
from benchmarks._stage import READ_REDIS, Stage
from benchmarks.overload import Load, Request, percentile
from tests.support.postgres import settings
from tests.support.redis import RedisProcess

STEP: Final = 0.1  # seconds of one point
SPANS: Final = {"silent": (3.0, 8.0), "killed": (14.0, 19.0)}
END: Final = 26.0
SOCKETS: Final = 512
PART: Final = 0.25  # of the maximum, so that PostgreSQL alone can do it
BACK_MAX: Final = 5.0
SOURCES: Final = {
    "hit": "found in Redis",
    "miss": "PostgreSQL, after a look into Redis",
    "fallback": "without Redis",
}


class Seen(NamedTuple):
    """One answer: when it was due, how long it took, its status, and where it came from."""

    due: float
    took: float
    status: int
    source: str

    @property
    def came(self) -> float:
        return self.due + self.took


class Sourced(Load):
    """Keeps of each answer where the profile came from."""

    def __init__(self, port: int, asked: Request) -> None:
        super().__init__(port, asked)
        self.sources: list[str] = []

    def came(self, due: float, sent: float, head: bytes) -> None:
        super().came(due, sent, head)
        said = head.lower().partition(b"x-cache: ")[2].partition(b"\r\n")[0]
        self.sources.append(said.decode())


def outage(stage: Stage) -> Found:
    """Give the figures of each stretch of time, and a picture of all."""
    with RedisProcess(stage.root / "lost") as redis:
        given = {**settings(stage.limits.database), "REDIS_ADDRESS": redis.address}
        with ours(stage.root / "o", **given, CACHE="redis") as peer:
            rate = PART * stage.ask_of(peer, READ_REDIS).per_second
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                seen, lost = runner.run(_asked(peer, rate, redis))
    found = Found([_stretches(seen)], pictures=[_picture(seen)])
    failed = sum(one.status != 200 for one in seen) + lost
    if failed:
        found.missed.append(f"{failed} reads failed while Redis was lost")
    for name, (_, end) in SPANS.items():
        back = _back(seen, end)
        if back > BACK_MAX:
            found.missed.append(f"{name}: {back:.1f} s until Redis was in use again")
    return found


async def _asked(peer: Peer, rate: float, redis: RedisProcess) -> tuple[list[Seen], int]:
    loop = asyncio.get_running_loop()
    load = Sourced(peer.port, lambda number: request(peer, READ_REDIS, number))
    await load.connect(SOCKETS)
    await load.send(rate, 2)
    await asyncio.sleep(0.2)
    load.sources.clear()
    changes: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (redis.pause, redis.resume),
        (redis.kill, lambda: redis.start(wait=False)),
    ]
    for (begin, end), (change, undo) in zip(SPANS.values(), changes, strict=True):
        loop.call_later(begin, change)
        loop.call_later(end, undo)
    began, answers = await load.send(rate, END)
    await asyncio.sleep(1)
    pairs = zip(answers.found, load.sources, strict=True)
    seen = [Seen(due - began, took, status, source) for (due, took, _, status), source in pairs]
    return seen, answers.lost


def _stretches(seen: list[Seen]) -> Table:
    bounds = [0.0, *(time for span in SPANS.values() for time in span), END]
    names = ["healthy", *(each for name in SPANS for each in (name, "back"))]
    rows = []
    for name, begin, end in zip(names, bounds, bounds[1:], strict=False):
        part = [one for one in seen if begin <= one.due < end]
        took = [one.took for one in part]
        rows.append(
            (
                name,
                f"{len(part):,}",
                str(sum(one.status != 200 for one in part)),
                f"{percentile(took, 0.5):.1f}",
                f"{percentile(took, 0.99):.1f}",
                f"{max(took) * 1000:.0f}",
                f"{_back(seen, begin):.1f}" if name == "back" else "",
            )
        )
    head = ("Redis is", "reads", "failed", "p50 ms", "p99 ms", "most ms", "in use after s")
    return Table(head, rows)


def _back(seen: list[Seen], healed: float) -> float:
    """Seconds from then to the last answer that was made without Redis, before the next outage."""
    until = min((begin for begin, _ in SPANS.values() if begin > healed), default=END + 1)
    without = [one.came for one in seen if one.source == "fallback" and one.came < until]
    return max(0.0, max(without, default=0.0) - healed)


def _picture(seen: list[Seen]) -> Plot:
    steps = round(END / STEP)
    counts = Counter((one.source, int(one.came / STEP)) for one in seen)
    rates = {
        label: [counts[source, step] / STEP for step in range(steps)]
        for source, label in SOURCES.items()
    }
    took: list[list[float]] = [[] for _ in range(steps)]
    for one in seen:
        took[min(steps - 1, int(one.due / STEP))].append(one.took)
    slowest = [percentile(each, 0.99) for each in took]
    return Plot(
        "outage.svg",
        "Answers a second by where they came from, and their p99, while Redis is silent and killed",
        lambda figure: series(figure, STEP, rates, slowest, SPANS),
        height=5,
    )
