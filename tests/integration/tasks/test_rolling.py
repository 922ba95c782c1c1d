"""Workers that are told to end finish what they have, or give it back as if it had not begun."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.support.campaign import campaign, rounds
from tests.support.fleet import Fleet, fleet
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitProcess

PAUSE_MAX: Final = 0.1  # seconds between two tasks: some 20 come in a second
LONG: Final = 5.0  # seconds, of a handler that is not waited for


def stream(ships: Fleet, over: threading.Event, rng: random.Random) -> list[str]:
    """Submit tasks until it is over; give their ids."""
    seen = []
    while not over.is_set():
        work = {"seconds": rng.random() * 0.3}
        task_id = ships.submit(payload=work, delay=rng.choice((0, rng.random())))
        assert task_id is not None, "the server is there all along"
        seen.append(task_id)
        time.sleep(rng.random() * PAUSE_MAX)
    return seen


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_rolling_restarts_lose_nothing_and_run_nothing_twice(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """One of two workers after the other, under a steady stream: one attempt a task, exactly."""
    with (
        campaign("rolling restarts", rounds(4, 50), "restarts") as run,
        fleet(tmp_path / "fleet", postgres.address, rabbit) as ships,
        ThreadPoolExecutor(1) as threads,
    ):
        # A lease that lasts: a machine that is busy must not look like a worker that is lost.
        ships.serve(TASK_LEASE="30s")
        workers = [ships.work(TASK_LEASE="30s") for _ in range(2)]
        over = threading.Event()
        streaming = threads.submit(stream, ships, over, random.Random(run.dice.random()))
        try:
            for number in range(run.number):
                assert not streaming.done(), streaming.result()
                worker = workers[number % 2]
                time.sleep(run.dice.random() * 0.5)
                assert worker.stop() == 0
                assert "Traceback" not in worker.server.errors
                worker.start()
                worker.speaks()
                run.injected("SIGTERM")
                run.passed()
        finally:
            over.set()
        seen = streaming.result()
        ships.all_end()
        figures = ships.ledger.check(seen)
        print(f"\n{figures}")
        assert (figures.unknown, figures.doubled) == (0, 0)
        assert ships.ledger.query("SELECT max(fence), max(attempt) FROM tasks") == [(1, 1)]


def test_what_takes_longer_than_the_grace_is_handed_back_and_finished_by_another(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    with fleet(tmp_path / "fleet", postgres.address, rabbit) as ships:
        ships.serve()
        leaving = ships.work(TASK_LEASE="60s", SHUTDOWN_TIMEOUT="500ms")
        task_id = ships.submit(payload={"seconds": LONG})
        assert task_id is not None
        ships.until(lambda: ships.ledger.query("SELECT 1 FROM attempts"), 20, "it has not begun")
        assert leaving.stop() == 0
        assert ships.ledger.query("SELECT 1 FROM effects") == []
        row = ships.ledger.task(task_id)
        assert row["status"] in {"scheduled", "queued"}
        assert (row["attempt"], row["errors"]) == (0, "[]")
        other = ships.work(TASK_LEASE="60s")
        ships.all_end(30)  # long before the lease would have ended
        assert ships.ledger.check([task_id]).attempts == 2
        row = ships.ledger.task(task_id)
        assert (row["attempt"], row["fence"]) == (1, 2), "what was handed back is no attempt"
        assert f'"pid":{other.server.process.pid}' in row["result"]
