"""Throughput against the number of connections (closed loop)."""

from typing import Final

from benchmarks._plots import Plot, curves
from benchmarks._report import Found, Table
from benchmarks._stage import ROUNDS, WORKS, Stage, middle

NUMBERS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SHOWN: Final = (1, 8, 32, 128, 512)
TURN: Final = 1  # seconds
PLAIN_MAX: Final = 64  # redis-py as it comes has a pool of 100, and fails beyond it


def concurrency(stage: Stage) -> Found:
    """Reads, and the route that does nothing; each number has its turn in each round."""
    works = [work for work in WORKS if work.kind in ("nothing", "read")]
    seen: dict[str, list[list[float]]] = {work.name: [[] for _ in NUMBERS] for work in works}
    for _ in range(ROUNDS):
        for place, number in enumerate(NUMBERS):
            for work in works:
                if work.peer == "plain" and number > PLAIN_MAX:
                    continue
                closed = stage.ask(work, number, TURN)
                seen[work.name][place].append(closed.per_second)
    rows = []
    for name, rounds in seen.items():
        at = (rounds[NUMBERS.index(number)] for number in SHOWN)
        rows.append((name, *(middle(each, ",.0f") if each else "" for each in at)))
    return Found(
        [Table(("requests/s, by connections", *map(str, SHOWN)), rows)],
        pictures=[
            Plot(
                "throughput.svg",
                "Requests a second against 1 to 512 connections, of each kind of read",
                lambda figure: curves(figure, NUMBERS, seen),
            )
        ],
    )
