"""Our service beside a route that does nothing and a plain service: ratios within one run.

The servers run side by side, one process each; in each round they are asked one after the other by
wrk, and what is compared is the median of the rounds. Then single operations are asked at half of
their maximum rate, at times that are fixed before (open loop), and a process is watched that holds
10,000 connections and one that answers a million requests. `--write` puts tables and plots into
docs/performance/. With names of parts (`ratios`, `latency`, `connections`, `million`) only those.
"""

import asyncio
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil
import uvloop

from benchmarks._measuring import MB, folder, table, verdict
from benchmarks._peers import Peer, servers
from benchmarks._plots import plots
from benchmarks._wrk import Closed, getting, posting, wrk
from benchmarks.overload import Load, percentile
from tests.support.http import PROFILES

ROUNDS: Final = 5
SECONDS: Final = 3
CONNECTIONS: Final = 32
MANY: Final = 512
IDLE: Final = 10_000
MILLION: Final = 1_000_000
PAGES: Final = Path(__file__).parents[1] / "docs" / "performance"

SPREAD_MAX: Final = 5.0
P99_MAX: Final = 10.0
MEMORY_MAX: Final = 110.0
GROWTH_MAX: Final = 3.0
IDLE_MAX: Final = 250.0
AT_MANY: Final = 0.9


class Work(NamedTuple):
    """One kind of request to one of the servers."""

    name: str
    peer: str
    kind: str


class Ratio(NamedTuple):
    """What is promised of two of them."""

    of: str
    to: str
    least: float


WORKS: Final = (
    Work("constant", "constant", "nothing"),
    Work("read, Redis", "redis", "read"),
    Work("read, embedded", "embedded", "read"),
    Work("read, PostgreSQL alone", "database", "read"),
    Work("create", "redis", "create"),
    Work("list of 100", "redis", "list"),
    Work("plain: read", "plain", "read"),
    Work("plain: create", "plain", "create"),
    Work("plain: list of 100", "plain", "list"),
)
RATIOS: Final = (
    Ratio("read, Redis", "constant", 1.2),
    Ratio("read, embedded", "constant", 1.5),
    Ratio("read, PostgreSQL alone", "constant", 0.6),
    Ratio("create", "plain: create", 2.0),
    Ratio("read, Redis", "plain: read", 5.0),
    Ratio("list of 100", "plain: list of 100", 4.0),
)


class Stage:
    """The servers, and the scripts that ask them."""

    def __init__(self, root: Path, peers: dict[str, Peer]) -> None:
        self._root = root
        self._turn = 0
        self.peers = peers

    def ask(self, work: Work, connections: int = CONNECTIONS, seconds: int = SECONDS) -> Closed:
        peer = self.peers[work.peer]
        self._turn += 1
        return wrk(
            peer.port,
            self._script(work, peer),
            process=peer.process,
            connections=connections,
            seconds=seconds,
            headers=peer.headers,
        )

    def _script(self, work: Work, peer: Peer) -> Path:
        script = self._root / "script.lua"
        base = "/profiles" if work.peer == "plain" else PROFILES
        if work.kind == "create":
            return posting(script, base, f"r{self._turn}")
        paths = {
            "nothing": ["/"],
            "list": [f"{base}?limit=100"],
            "read": [f"{base}/{profile_id}" for profile_id in peer.ids],
        }
        return getting(script, paths[work.kind])


def measured(stage: Stage) -> dict[str, list[Closed]]:
    """Every work in every round; the first round is left out, in which much is new."""
    found: dict[str, list[Closed]] = {work.name: [] for work in WORKS}
    for round_ in range(ROUNDS + 1):
        for work in WORKS:
            once = stage.ask(work, seconds=SECONDS if round_ else 1)
            if round_:
                found[work.name].append(once)
        print(f"round {round_} of {ROUNDS}", file=sys.stderr, flush=True)
    return found


def ratios(stage: Stage, missed: list[str]) -> dict[str, list[Closed]]:
    found = measured(stage)

    def median(name: str, what: Callable[[Closed], float]) -> float:
        return statistics.median(map(what, found[name]))

    table(
        ("what", "requests/s", "p50 ms", "p99 ms", "CPU us"),
        [
            (
                name,
                f"{median(name, lambda c: c.per_second):,.0f}",
                f"{median(name, lambda c: c.p50):.1f}",
                f"{median(name, lambda c: c.p99):.1f}",
                f"{median(name, lambda c: c.cpu):.0f}",
            )
            for name in found
        ],
    )
    print()
    rows = []
    for of, to, least in RATIOS:
        pairs = zip(found[of], found[to], strict=True)
        ratio = statistics.median(one.per_second / other.per_second for one, other in pairs)
        rows.append((f"{of} / {to}", f"{least:g}", f"{ratio:.2f}"))
        if ratio < least:
            missed.append(f"{of} / {to}: {ratio:.2f}, {least:g} promised")
    many = next(work for work in WORKS if work.name == "read, Redis")
    part = statistics.median(
        stage.ask(many, MANY).per_second / stage.ask(many).per_second for _ in range(3)
    )
    rows.append((f"read, Redis: {MANY} connections / {CONNECTIONS}", f"{AT_MANY:g}", f"{part:.2f}"))
    if part < AT_MANY:
        missed.append(f"at {MANY} connections {part:.2f} of what is done at {CONNECTIONS}")
    table(("ratio", "at least", "measured"), rows)
    print()
    return found


def latency(stage: Stage, missed: list[str]) -> dict[str, list[float]]:
    """Open loop, at half of what the closed one did."""
    rows, seen = [], {}
    for work in WORKS:
        if work.peer == "plain":
            continue
        peer = stage.peers[work.peer]
        rate = stage.ask(work).per_second / 2
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            took = runner.run(_at_rate(peer, work, rate))
        p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
        seen[work.name] = [seconds * 1000 for seconds in took]
        rows.append((work.name, f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{p99 - p50:.1f}"))
        if work.peer != "constant" and (p99 - p50 > SPREAD_MAX or p99 > P99_MAX):
            missed.append(f"{work.name} at half its maximum: p50 {p50:.1f}, p99 {p99:.1f} ms")
    table(("at half of its maximum", "requests/s", "p50 ms", "p99 ms", "spread"), rows)
    print()
    return seen


async def _at_rate(peer: Peer, work: Work, rate: float) -> list[float]:
    load = Load(peer.port, lambda number: _request(peer, work, number))
    await load.connect(CONNECTIONS)
    await load.send(rate, 1)
    _, answers = await load.send(rate, 2 * SECONDS)
    await asyncio.sleep(0.2)
    return [took for _, took, _ in answers.of(200, 201)]


def _request(peer: Peer, work: Work, number: int) -> bytes:
    named = {"Host": "localhost", **peer.headers}
    line, body = f"GET {PROFILES}/{peer.ids[number % len(peer.ids)]}" if peer.ids else "GET /", b""
    if work.kind == "list":
        line = f"GET {PROFILES}?limit=100"
    elif work.kind == "create":
        line = f"POST {PROFILES}"
        email = f"{id(named)}.{number}@example.com"
        body = f'{{"name":"Ada","email":"{email}","bio":"{"x" * 200}"}}'.encode()
        named |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(head).encode() + body


def memory(peer: Peer) -> float:
    found: int = psutil.Process(peer.process).memory_info().rss
    return found / MB


def connections(stage: Stage, missed: list[str]) -> None:
    """So many that say nothing more after one request."""
    peer = stage.peers["redis"]

    async def hold() -> tuple[int, float]:
        load = Load(peer.port, lambda number: _request(peer, WORKS[1], number))
        await load.connect(IDLE)
        for client in list(load.idle):
            client.ask(_request(peer, WORKS[1], 0), 0.0)
        await asyncio.sleep(2)
        return len(load.answers.found), memory(peer)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held, used = runner.run(hold())
    table(("connections", "answered", "MB"), [(f"{IDLE:,}", f"{held:,}", f"{used:.0f}")])
    print()
    if held < IDLE or used > IDLE_MAX:
        missed.append(f"{held:,} of {IDLE:,} connections, {used:.0f} MB")


def million(stage: Stage, missed: list[str]) -> None:
    """How much memory a process has after so many requests."""
    peer, work = stage.peers["redis"], WORKS[1]
    done, marks = 0.0, [(0.0, memory(peer))]
    while done < MILLION:
        done += stage.ask(work, seconds=10).per_second * 10
        marks.append((done, memory(peer)))
    half = next(used for number, used in marks if number >= MILLION / 2)
    end = marks[-1][1]
    table(
        ("requests", "MB at half", "MB at the end"), [(f"{done:,.0f}", f"{half:.0f}", f"{end:.0f}")]
    )
    print()
    if end > MEMORY_MAX or end - half > GROWTH_MAX:
        missed.append(
            f"{end:.0f} MB after {done:,.0f} requests, {end - half:.0f} MB more than at half"
        )


@contextmanager
def staged() -> Iterator[Stage]:
    with folder() as root, servers(root) as peers:
        yield Stage(root, peers)


def main() -> int:
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    parts = {"ratios": ratios, "latency": latency, "connections": connections, "million": million}
    missed: list[str] = []
    with staged() as stage:
        found = {name: parts[name](stage, missed) for name in asked or parts}
        if "--write" in sys.argv:
            plots(stage, found, PAGES)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
