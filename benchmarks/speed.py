"""Our service beside a route that does nothing and a plain service: ratios within one run.

The servers run side by side, one process each; in each round they are asked one after the other by
wrk, and Redis and PostgreSQL themselves by what comes with them; what is compared is the median of
the rounds. Then single operations are asked at half of their maximum rate, at times that are fixed
before (open loop), with 1 to 512 connections, and through two outages of Redis; and a process is
watched that holds 10,000 connections and one that answers a million requests. `--write` puts tables
and plots into docs/performance/. With names of parts, as they stand in `PARTS`, only those.
"""

import statistics
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from benchmarks._concurrency import concurrency
from benchmarks._endurance import connections, million
from benchmarks._limits import LIMITED, LIMITS
from benchmarks._measuring import verdict
from benchmarks._open import latency
from benchmarks._outage import outage
from benchmarks._profiles import profiles
from benchmarks._report import PAGES, Found, Table, packages
from benchmarks._stage import (
    CONNECTIONS,
    READ_REDIS,
    ROUNDS,
    SECONDS,
    WORKS,
    Stage,
    median,
    middle,
    staged,
)
from benchmarks._wrk import Closed

MANY: Final = 512
AT_MANY: Final = 0.9
PACKAGES: Final = (
    *("litestar", "uvicorn", "uvloop", "httptools", "msgspec", "redis", "hiredis", "psycopg"),
    *("fastapi", "sqlalchemy", "asyncpg"),
)


class Ratio(NamedTuple):
    """What is promised of two of them, or nothing."""

    of: str
    to: str
    least: float | None


RATIOS: Final = (
    Ratio("read, Redis", "constant", 1.2),
    Ratio("read, embedded", "constant", 1.5),
    Ratio("read, PostgreSQL alone", "constant", 0.6),
    Ratio("create", "plain: create", 2.0),
    Ratio("read, Redis", "plain: read", 5.0),
    Ratio("list of 100", "plain: list of 100", 4.0),
    *(Ratio(name, limit, None) for name, limit in LIMITED.items()),
)


def measured(stage: Stage) -> dict[str, list[Closed]]:
    """Every work in every round; the first round is left out, in which much is new."""
    found: dict[str, list[Closed]] = {name: [] for name in (*(w.name for w in WORKS), *LIMITS)}
    for round_ in range(ROUNDS + 1):
        seconds = SECONDS if round_ else 1
        once = {work.name: stage.ask(work, seconds=seconds) for work in WORKS}
        once |= {name: stage.limit(name, seconds) for name in LIMITS}
        for name, closed in once.items():
            if round_:
                found[name].append(closed)
        print(f"round {round_} of {ROUNDS}", file=sys.stderr, flush=True)
    return found


def ratios(stage: Stage) -> Found:
    seen = measured(stage)
    works = [
        (
            name,
            middle([closed.per_second for closed in rounds], ",.0f"),
            f"{median(rounds, lambda c: c.p50):.2f}",
            f"{median(rounds, lambda c: c.p99):.2f}",
            f"{median(rounds, lambda c: c.cpu):.0f}",
        )
        for name, rounds in seen.items()
    ]
    found, rows = Found(), []
    for of, to, least in RATIOS:
        pairs = zip(seen[of], seen[to], strict=True)
        each = [one.per_second / other.per_second for one, other in pairs]
        rows.append(_row(found, f"{of} / {to}", least, each))
    many = [
        stage.ask(READ_REDIS, MANY).per_second / stage.ask(READ_REDIS).per_second
        for _ in range(ROUNDS)
    ]
    rows.append(_row(found, f"read, Redis: {MANY} connections / {CONNECTIONS}", AT_MANY, many))
    found.tables = [
        Table(("what", "requests/s", "p50 ms", "p99 ms", "CPU µs"), works),
        Table(("ratio", "at least", "measured"), rows),
    ]
    return found


def _row(found: Found, name: str, least: float | None, each: list[float]) -> tuple[str, str, str]:
    if least is None:
        return name, "", middle(each, ".3f")
    ratio = statistics.median(each)
    if ratio >= least:
        return name, f"{least:g}", middle(each, ".2f")
    found.missed.append(f"{name}: {ratio:.2f}, {least:g} promised")
    return name, f"{least:g}", f"**{middle(each, '.2f')}**"


PARTS: Final[Mapping[str, Callable[[Stage], Found]]] = {
    "ratios": ratios,
    "latency": latency,
    "concurrency": concurrency,
    "outage": outage,
    "million": million,
    "connections": connections,  # after it: what these take is not given back
    "profiles": profiles,
}


def main() -> int:
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    missed: list[str] = []
    with staged() as stage:
        versions = [*stage.limits.versions(), *packages(*PACKAGES)]
        for name in asked or PARTS:
            found = PARTS[name](stage)
            found.show()
            missed += found.missed
            if "--write" in sys.argv:
                found.write(PAGES / "speed.md", name, versions)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
