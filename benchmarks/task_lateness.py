"""How late tasks begin: from `run_at` to `started_at`, as their rows have it.

A thousand tasks with delays of 0 to 30 s, mixed at random, beside one of an hour: the slowest
hundredth begins at most 250 ms late, and none early. Two hundred tasks without a delay, one after
another: half of them begin within 50 ms. The clock is that of the database. `task_lateness SEED`
mixes them as before.
"""

import random
import secrets
import sys
import time
from contextlib import AbstractContextManager
from typing import Final

import httpx
import psutil

from benchmarks._measuring import table, verdict
from benchmarks._tasking import Place, embedded, fleet
from tests.support.tasks import read, submitted

TASKS_MIXED: Final = 1_000
DELAY_MAX: Final = 30.0
AT_ONCE: Final = 200
P99_MAX: Final = 250.0
MEDIAN_MAX: Final = 50.0
WAIT_MAX: Final = 60.0

_LATE: Final = """
    SELECT (started_at - run_at) / 1000.0 FROM tasks
    WHERE status = 'succeeded' AND priority = {} ORDER BY 1
"""


def mixed(place: Place, client: httpx.Client, seed: int) -> list[float]:
    """Milliseconds of each, sorted."""
    delays = random.Random(seed)
    far = submitted(client, delay="1h")
    for _ in range(TASKS_MIXED):
        submitted(client, delay=round(delays.uniform(0, DELAY_MAX), 3))
    deadline = time.monotonic() + WAIT_MAX
    while len(late := place.ask(_LATE.format(0))) < TASKS_MIXED and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(late) == TASKS_MIXED, f"{len(late)} have ended"
    assert read(client, far)["status"] == "scheduled"
    return [float(each) for (each,) in late]


def at_once(place: Place, client: httpx.Client) -> list[float]:
    """The same, one at a time; their priority tells them from the others."""
    for _ in range(AT_ONCE):
        task = read(client, submitted(client, priority=1), wait=10)
        assert task["status"] == "succeeded", task
    return [float(each) for (each,) in place.ask(_LATE.format(1))]


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else secrets.randbelow(2**32)
    rows, missed = [], []
    places: list[AbstractContextManager[Place]] = [fleet(), embedded()]
    for each in places:
        with each as place, place.server.client() as client:
            submitted(client, priority=2)  # what is made at the first use is not measured
            time.sleep(2)
            psutil.cpu_percent()
            for name, late in (
                ("mixed", mixed(place, client, seed)),
                ("no delay", at_once(place, client)),
            ):
                p50, p99 = (late[round((len(late) - 1) * part)] for part in (0.5, 0.99))
                figures = (f"{ms:.1f}" for ms in (late[0], p50, p99, late[-1]))
                rows.append((f"{place.name}: {name}", f"{len(late):,}", *figures))
                if late[0] < 0:
                    missed.append(f"{place.name}: {name}: {-late[0]:.1f} ms early")
                if name == "mixed" and p99 > P99_MAX:
                    missed.append(f"{place.name}: {name}: p99 is {p99:.0f} ms")
                if name == "no delay" and p50 > MEDIAN_MAX:
                    missed.append(f"{place.name}: {name}: the median is {p50:.0f} ms")
            print(f"{place.name}: the machine was busy to {psutil.cpu_percent():.0f} %")
    table(("late by ms", "tasks", "least", "p50", "p99", "most"), rows)
    print(f"delays of 0 to {DELAY_MAX:g} s beside one of 1 h; the seed is {seed}")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
