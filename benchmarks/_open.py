"""Single operations at half of their maximum, at times that are fixed before (open loop)."""

import asyncio
import statistics
from typing import Final

import uvloop

from benchmarks._peers import Peer
from benchmarks._plots import Plot, percentiles
from benchmarks._report import Found, Table
from benchmarks._stage import CONNECTIONS, ROUNDS, SECONDS, WORKS, Stage, Work, middle
from benchmarks.overload import Load, percentile
from tests.support.http import PROFILES

SPREAD_MAX: Final = 5.0
P99_MAX: Final = 10.0


def latency(stage: Stage) -> Found:
    """The medians of some rounds; what is late counts from when it was due."""
    found, rows, seen = Found(), [], {}
    for work in WORKS:
        if work.peer == "plain":
            continue
        rate = stage.ask(work).per_second / 2
        rounds = at_rate(stage.peers[work.peer], work, rate)
        seen[work.name] = [seconds * 1000 for took in rounds for seconds in took]
        p50s, p99s = ([percentile(took, part) for took in rounds] for part in (0.5, 0.99))
        spread = statistics.median(p99 - p50 for p50, p99 in zip(p50s, p99s, strict=True))
        p99 = statistics.median(p99s)
        kept = work.peer == "constant" or (spread <= SPREAD_MAX and p99 <= P99_MAX)
        mark = "" if kept else "**"
        rows.append(
            (
                work.name,
                f"{rate:,.0f}",
                f"{statistics.median(p50s):.1f}",
                middle(p99s, ".1f"),
                f"{mark}{spread:.1f}{mark}",
            )
        )
        if not kept:
            found.missed.append(
                f"{work.name} at half its maximum: p99 {p99:.1f} ms, spread {spread:.1f} ms"
            )
    found.tables.append(
        Table(("at half of its maximum", "requests/s", "p50 ms", "p99 ms", "spread"), rows)
    )
    found.pictures.append(
        Plot(
            "latency.svg",
            "Milliseconds of the slowest half, tenth, hundredth and thousandth, of each work",
            lambda figure: percentiles(figure, seen),
        )
    )
    return found


def at_rate(peer: Peer, work: Work, rate: float) -> list[list[float]]:
    """Seconds that each took, by rounds."""

    async def asked() -> list[list[float]]:
        load = Load(peer.port, lambda number: request(peer, work, number))
        await load.connect(CONNECTIONS)
        await load.send(rate, 1)
        rounds = []
        for _ in range(ROUNDS):
            _, answers = await load.send(rate, SECONDS)
            await asyncio.sleep(0.2)
            rounds.append([took for _, took, _ in answers.of(200, 201)])
        return rounds

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asked())


def request(peer: Peer, work: Work, number: int) -> bytes:
    """The bytes of one; each with another number asks for another profile, or makes one."""
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
