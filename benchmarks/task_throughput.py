"""Tasks per second: submitted over HTTP, and done, with a handler that does nothing.

Limits, with PostgreSQL, RabbitMQ and one worker process: 800 submissions/s on 32 connections, and
1,500 tasks/s done of 5,000 that are due; embedded, 1,000 tasks/s done. A million more that are
scheduled for later slow neither that nor the reads: at least 0.9 of the rate without them. The
best of some rounds counts, since all of it shares the machine, the client too.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Final
from uuid import UUID

from benchmarks._measuring import rate, table, verdict
from benchmarks._tasking import Place, embedded, fleet
from tests.support.tasks import SUBMIT, TASKS

CONNECTIONS: Final = 32
SECONDS: Final = 2.0
ROUNDS: Final = 3
CONCURRENCY: Final = "100"
DUE: Final = 5_000
LATER: Final = 1_000_000
RATIO_MIN: Final = 0.9
WAIT_MAX: Final = 120.0
HOUR: Final = 3_600_000_000  # microseconds

LIMITS: Final = {
    ("fleet", "submitted for later"): 800.0,
    ("fleet", "done"): 1_500.0,
    ("embedded", "done"): 1_000.0,
}
# Whoever has one in hand has it for less than an hour; what is for later is not due for a day.
_LEFT: Final = "SELECT count(*) FROM tasks WHERE priority = 0 AND due_at < {}"
_TOOK: Final = """
    SELECT count(*), max(updated_at) - min(started_at) FROM tasks
    WHERE run_at = {} AND status = 'succeeded'
"""


def submission(delay: str) -> bytes:
    body = json.dumps({"type": "echo", "payload": {"hello": "world"}, "delay": delay}).encode()
    head = f"POST {SUBMIT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def asked(place: Place, *requests: bytes) -> float:
    """Requests per second, of which these are made in turn."""

    def request(number: int) -> bytes:
        return requests[number % len(requests)]

    asking = rate(place.server.port, request, connections=CONNECTIONS, seconds=SECONDS)
    return asyncio.run(asking).per_second


def done(place: Place) -> float:
    """Tasks per second, from the first start to the last end."""
    now = time.time_ns() // 1000
    place.fill(DUE, now)
    until_done(place)
    ((number, took),) = place.ask(_TOOK.format(now))
    assert number == DUE, f"{number} of {DUE} were done"
    return int(number) / int(took) * 1_000_000


def until_done(place: Place) -> None:
    soon = time.time_ns() // 1000 + HOUR
    deadline = time.monotonic() + WAIT_MAX
    while place.ask(_LEFT.format(soon))[0][0]:
        assert time.monotonic() < deadline, "the tasks that are due are not done"
        time.sleep(0.2)


def read_one(place: Place) -> float:
    ids = place.ask("SELECT id FROM tasks WHERE status = 'succeeded' LIMIT 1000")
    of = [UUID(bytes=id_) if isinstance(id_, bytes) else id_ for (id_,) in ids]
    return asked(place, *(get(f"{TASKS}/{id_}") for id_ in of))


MEASURES: Final[dict[str, Callable[[Place], float]]] = {
    "submitted for later": lambda place: asked(place, submission("30d")),
    "done": done,
    "read, one": read_one,
    "list of 20": lambda place: asked(place, get(f"{TASKS}?limit=20")),
    "list of 20, of a status and type": lambda place: asked(
        place, get(f"{TASKS}?limit=20&status=succeeded&type=echo")
    ),
}


def shares(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Whose CPU it was, in milliseconds a task."""
    spent = {name: (after[name] - before[name]) / DUE * 1000 for name in after}
    parts = ", ".join(f"{name} {each:.2f}" for name, each in sorted(spent.items()))
    return f"{parts}: {sum(spent.values()):.2f} ms of CPU for a task"


def main() -> int:
    rows, missed = [], []
    made: list[Callable[[], AbstractContextManager[Place]]] = [
        partial(fleet, TASK_CONCURRENCY=CONCURRENCY),
        partial(embedded, TASK_CONCURRENCY=CONCURRENCY),
    ]
    for make in made:
        # Side by side and in turn, so that whatever else the machine does is had by both.
        with make() as alone, make() as beside:
            beside.fill(LATER, time.time_ns() // 1000 + 24 * HOUR)
            for place in (beside, alone):
                done(place)  # what is made at the first use is not measured
            before = alone.cpu()
            done(alone)
            print(f"{alone.name}: {shares(before, alone.cpu())}")
            for name, measure in MEASURES.items():
                found = [(measure(alone), measure(beside)) for _ in range(ROUNDS)]
                figure, other = map(max, zip(*found, strict=True))
                limit = LIMITS.get((alone.name, name))
                cells = (f"{figure:,.0f}", f"{limit:,.0f}" if limit else "-", f"{other:,.0f}")
                rows.append((f"{alone.name}: {name}", *cells, f"{other / figure:.2f}"))
                if limit is not None and figure < limit:
                    missed.append(f"{alone.name}: {name}: {figure:,.0f}/s")
                if other / figure < RATIO_MIN:
                    missed.append(f"{alone.name}: {name}: {other / figure:.2f} beside a million")
    table(("what", "a second", "limit", "beside a million", "ratio"), rows)
    print(f"{CONNECTIONS} connections; {CONCURRENCY} tasks at once; the best of {ROUNDS} rounds")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
