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
from contextlib import AbstractContextManager
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

Found = dict[str, float]


def submission(delay: str) -> bytes:
    body = json.dumps({"type": "echo", "payload": {"hello": "world"}, "delay": delay}).encode()
    head = f"POST {SUBMIT} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def asked(place: Place, *requests: bytes) -> float:
    """Requests per second, of which these are made in turn."""

    def request(number: int) -> bytes:
        return requests[number % len(requests)]

    def once() -> float:
        asking = rate(place.server.port, request, connections=CONNECTIONS, seconds=SECONDS)
        return asyncio.run(asking).per_second

    return max(once() for _ in range(ROUNDS))


def done(place: Place) -> float:
    """Tasks per second, from the first start to the last end."""

    def once() -> float:
        now = time.time_ns() // 1000
        place.fill(DUE, now)
        until_done(place)
        ((number, took),) = place.ask(_TOOK.format(now))
        assert number == DUE, f"{number} of {DUE} were done"
        return int(number) / int(took) * 1_000_000

    return max(once() for _ in range(ROUNDS))


def until_done(place: Place) -> None:
    soon = time.time_ns() // 1000 + HOUR
    deadline = time.monotonic() + WAIT_MAX
    while place.ask(_LEFT.format(soon))[0][0]:
        assert time.monotonic() < deadline, "the tasks that are due are not done"
        time.sleep(0.2)


def worked(place: Place) -> Found:
    """What a million others may slow."""
    ids = place.ask("SELECT id FROM tasks WHERE status = 'succeeded' LIMIT 1000")
    ones = [get(f"{TASKS}/{_id(stored)}") for (stored,) in ids]
    return {
        "done": done(place),
        "read, one": asked(place, *ones),
        "list of 20": asked(place, get(f"{TASKS}?limit=20")),
        "list of 20, by status and type": asked(
            place, get(f"{TASKS}?limit=20&status=succeeded&type=echo")
        ),
    }


def _id(stored: bytes | UUID) -> UUID:
    return UUID(bytes=stored) if isinstance(stored, bytes) else stored


def shares(before: Found, after: Found) -> str:
    """Whose CPU it was, in milliseconds a task."""
    spent = {name: (after[name] - before[name]) / DUE / ROUNDS * 1000 for name in after}
    return ", ".join(f"{name} {each:.2f}" for name, each in sorted(spent.items()))


def main() -> int:
    rows, missed = [], []
    places: list[AbstractContextManager[Place]] = [
        fleet(TASK_CONCURRENCY=CONCURRENCY),
        embedded(TASK_CONCURRENCY=CONCURRENCY),
    ]
    for each in places:
        with each as place:
            done(place)  # warm
            before = place.cpu()
            done(place)
            print(f"{place.name}: ms of CPU for a task: {shares(before, place.cpu())}")
            submitted = {
                "submitted for later": asked(place, submission("30d")),
                "submitted and done": asked(place, submission("0s")),
            }
            until_done(place)
            alone = worked(place)
            place.fill(LATER, time.time_ns() // 1000 + 24 * HOUR)
            beside = worked(place)
        for name, figure in (submitted | alone).items():
            limit = LIMITS.get((place.name, name))
            ratio = beside[name] / figure if name in beside else None
            rows.append(
                (
                    f"{place.name}: {name}",
                    f"{figure:,.0f}",
                    "-" if limit is None else f"{limit:,.0f}",
                    "-" if ratio is None else f"{beside[name]:,.0f}",
                    "-" if ratio is None else f"{ratio:.2f}",
                )
            )
            if limit is not None and figure < limit:
                missed.append(f"{place.name}: {name}: {figure:,.0f}/s")
            if ratio is not None and ratio < RATIO_MIN:
                missed.append(f"{place.name}: {name}: {ratio:.2f} of it beside a million")
    table(("what", "a second", "limit", "beside a million", "ratio"), rows)
    print(f"{CONNECTIONS} connections; {CONCURRENCY} tasks at once; the best of {ROUNDS} rounds")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
