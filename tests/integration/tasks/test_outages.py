"""RabbitMQ or PostgreSQL away: tasks are taken and run, and the way back needs no restart."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.campaign import campaign, rounds
from tests.support.fleet import Fleet, fleet
from tests.support.postgres import Postgres
from tests.support.rabbitmq import SETTLED, RabbitProcess

ANSWER_MAX: Final = 1.0
RUN_MAX: Final = 30.0
BACK_MAX: Final = 30.0
TRIES: Final = 20
TASKS: Final = 30
QUEUE: Final = re.compile(
    r'^queue_(operation_latency_seconds_count|errors_total)\{.*operation="put".*\} (\S+)$',
    re.MULTILINE,
)


@contextmanager
def killed(rabbit: RabbitProcess) -> Iterator[None]:
    time.sleep(SETTLED)
    rabbit.kill()
    try:
        yield
    finally:
        rabbit.start()


@contextmanager
def low_on_memory(rabbit: RabbitProcess) -> Iterator[None]:
    rabbit.alarm(low_on_memory=True)
    try:
        yield
    finally:
        rabbit.alarm(low_on_memory=False)


def handed_over(ships: Fleet) -> float:
    """How many tasks the server has put into RabbitMQ; it has no other queue."""
    found = QUEUE.findall(ships.client.get("/metrics").text)
    return sum(float(n) if name.startswith("operation") else -float(n) for name, n in found)


def state(ships: Fleet) -> set[str]:
    """What the server and the workers say of their queue."""
    urls = [member.server.url for member in ships.members]
    answers = [ships.client.get(f"{url}/health").json() for url in urls]
    return {answer["components"]["queue"]["status"] for answer in answers}


@pytest.mark.parametrize("away", [killed, low_on_memory])
def test_without_rabbitmq_tasks_are_taken_at_once_and_run_and_the_way_back_is_automatic(
    postgres: Postgres,
    rabbit: RabbitProcess,
    tmp_path: Path,
    away: Callable[[RabbitProcess], AbstractContextManager[None]],
) -> None:
    with fleet(tmp_path / "fleet", postgres.address, rabbit) as ships:
        ships.serve()
        ships.work()
        seen = [ships.submit()]
        ships.all_end()
        slowest = 0.0
        with away(rabbit):
            for number in range(TASKS):
                began = time.monotonic()
                seen.append(ships.submit(delay=number % 3 / 2))
                slowest = max(slowest, time.monotonic() - began)
            assert None not in seen
            assert slowest < ANSWER_MAX
            ships.all_end(RUN_MAX)
            late = ships.ledger.lateness()
            ships.until(lambda: state(ships) == {"degraded"}, BACK_MAX, "nobody says so")
        ships.until(lambda: state(ships) == {"healthy"}, BACK_MAX, "it is not in use again")
        before = handed_over(ships)

        def is_used() -> bool:
            seen.append(ships.submit())
            return handed_over(ships) > before

        ships.until(is_used, BACK_MAX, "nothing is put into it")
        ships.all_end()
        figures = ships.ledger.check([task_id for task_id in seen if task_id])
        print(f"\n{figures}; answered within {slowest:.3f} s; at most {late:.3f} s late meanwhile")
        assert [member.starts for member in ships.members] == [1, 1]


def test_a_server_leaves_what_it_cannot_hand_over_to_those_who_can_run_it(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """A claim would keep it from them for seconds, again and again."""
    with fleet(tmp_path / "fleet", postgres.address, rabbit) as ships:
        ships.serve()
        with killed(rabbit):
            ships.until(lambda: state(ships) == {"degraded"}, BACK_MAX, "nobody says so")
            task_id = ships.submit()
            assert task_id is not None
            free = 0
            for _ in range(TRIES):
                time.sleep(0.1)
                free += ships.ledger.is_free(task_id)
            assert free > TRIES / 2, "it is held by who can do nothing with it"
        ships.until(
            lambda: ships.ledger.task(task_id)["status"] == "queued", BACK_MAX, "it waits for ever"
        )


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_postgresql_is_restarted_and_killed_under_load(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """By turns; what was acknowledged is there afterwards, and runs."""
    with (
        campaign("PostgreSQL under tasks", rounds(2, 20), "restarts") as run,
        fleet(tmp_path / "fleet", postgres.address, rabbit) as ships,
        ThreadPoolExecutor(1) as threads,
    ):
        ships.serve()
        for _ in range(2):
            ships.work()
        over = threading.Event()

        def stream() -> list[str | None]:
            seen: list[str | None] = []
            while not over.is_set():
                seen.append(ships.submit(delay=len(seen) % 4, payload={"seconds": 0.1}))
                time.sleep(0.04)
            return seen

        streaming = threads.submit(stream)
        try:
            for number in range(run.number):
                time.sleep(1 + run.dice.random() * 2)
                assert not streaming.done(), streaming.result()
                kind = ("stop", "kill")[number % 2]
                getattr(postgres, kind)()
                run.injected(kind)
                time.sleep(run.dice.random())
                postgres.start()
                run.passed()
        finally:
            over.set()
            postgres.revive()
        seen = [task_id for task_id in streaming.result() if task_id]
        ships.all_end()
        print(f"\n{ships.ledger.check(seen)}")
        assert [member.starts for member in ships.members] == [1, 1, 1]
