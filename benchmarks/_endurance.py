"""How much memory a process has that holds many connections, and after very many requests."""

import asyncio
import time
from itertools import pairwise
from typing import Final

import psutil
import uvloop

from benchmarks._measuring import MB
from benchmarks._open import request
from benchmarks._peers import Peer
from benchmarks._report import Found, Table
from benchmarks._stage import READ_REDIS, Stage
from benchmarks.overload import Load

IDLE: Final = 10_000
IDLE_MAX: Final = 250.0
AT_ONCE: Final = 100
PATIENCE: Final = 10.0  # seconds
MILLION: Final = 1_000_000
TURN: Final = 10  # seconds of requests between two looks
MEMORY_MAX: Final = 110.0
GROWTH_MAX: Final = 3.0


def connections(stage: Stage) -> Found:
    """So many that say nothing more after one request."""
    peer = stage.peers["redis"]

    async def hold() -> tuple[int, float]:
        load = Load(peer.port, lambda number: request(peer, READ_REDIS, number))
        await load.connect(IDLE)
        waiting = list(load.idle)
        for begin in range(0, IDLE, AT_ONCE):  # all at once would be too many, and be refused
            for client in waiting[begin : begin + AT_ONCE]:
                client.ask(request(peer, READ_REDIS, 0), 0.0)
            await answered(load, min(begin + AT_ONCE, IDLE))
        return len(load.answers.of(200)), memory(peer)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held, used = runner.run(hold())
    found = Found(
        [Table(("connections", "answered", "MB"), [(f"{IDLE:,}", f"{held:,}", f"{used:.0f}")])]
    )
    if held < IDLE or used > IDLE_MAX:
        found.missed.append(f"{held:,} of {IDLE:,} connections, {used:.0f} MB")
    return found


async def answered(load: Load, number: int) -> None:
    """Return once so many are."""
    deadline = time.monotonic() + PATIENCE
    while len(load.answers.found) + load.answers.lost < number:
        assert time.monotonic() < deadline, f"{len(load.answers.found)} of {number} were answered"
        await asyncio.sleep(0.005)


def million(stage: Stage) -> Found:
    """What a process has after so many requests, and what of that came in the second half."""
    peer = stage.peers["redis"]
    done, marks = 0.0, [(0.0, memory(peer))]
    while done < MILLION:
        done += stage.ask(READ_REDIS, seconds=TURN).per_second * TURN
        marks.append((done, memory(peer)))
    (_, start), (_, end) = marks[0], marks[-1]
    half = next(later for (_, _), (number, later) in pairwise(marks) if number >= MILLION / 2)
    found = Found(
        [
            Table(
                ("requests", "MB before", "MB at half", "MB at the end"),
                [(f"{done:,.0f}", f"{start:.0f}", f"{half:.0f}", f"{end:.0f}")],
            )
        ]
    )
    if end > MEMORY_MAX or end - half > GROWTH_MAX:
        found.missed.append(
            f"{end:.0f} MB after {done:,.0f} requests, {end - half:.0f} MB more than at half"
        )
    return found


def memory(peer: Peer) -> float:
    found: int = psutil.Process(peer.process).memory_info().rss
    return found / MB
