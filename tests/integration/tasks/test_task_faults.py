"""Tasks under faults: nothing is lost, nothing doubled, nothing early, and all end."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.support.campaign import Campaign, campaign, rounds
from tests.support.fleet import Fleet, fleet
from tests.support.postgres import Postgres
from tests.support.rabbitmq import SETTLED, RabbitProcess

WORKERS: Final = 2
TASKS: Final = rounds(60, 500)
DELAY_MAX: Final = 8.0
CLIENTS: Final = 4
FAULT_MAX: Final = 30.0  # seconds that somebody has to come by a point
IN_DISPATCH: Final = ("after publish", "before the mark")
IN_RUN: Final = (
    *("after take", "after start", "before effect", "after effect"),
    *("before settle", "after settle", "after ack"),
)
POINTS: Final = [
    *[("kill", "api", point) for point in ("after commit", *IN_DISPATCH)],
    *[("kill", "worker", point) for point in (*IN_DISPATCH, *IN_RUN)],
    *[("stop", "worker", point) for point in IN_RUN],
    ("stop", "api", "before the mark"),
]


class Storm:
    """Tasks that are submitted while one fault follows another, in an order that is drawn."""

    def __init__(
        self,
        ships: Fleet,
        postgres: Postgres,
        rabbit: RabbitProcess,
        rng: random.Random,
        campaign: Campaign,
    ) -> None:
        self._fleet = ships
        self._postgres = postgres
        self._rabbit = rabbit
        self._rng = rng
        self._campaign = campaign
        self._seen: list[str] = []
        self._calm = threading.Event()
        self._others: list[tuple[str, Callable[[], None]]] = [
            ("RabbitMQ killed", self._kill_rabbit),
            ("connections cut", self._cut),
            ("connections ended", self._terminate),
            ("worker killed anywhere", self._kill_worker),
            ("worker stopped anywhere", self._stop_worker),
        ]

    def run(self, faults: int) -> None:
        with ThreadPoolExecutor(CLIENTS) as threads:
            seeds = [self._rng.random() for _ in range(CLIENTS)]
            clients = [threads.submit(self._submit, random.Random(seed)) for seed in seeds]
            try:
                for name, fault in self._deck(faults):
                    self._fleet.check()
                    fault()
                    self._campaign.injected(name)
                    time.sleep(self._rng.random() * 0.5)
            finally:
                self._calm.set()
                self._fleet.points.disarm()
            for client in clients:
                client.result()
        self._fleet.all_end()
        figures = self._fleet.ledger.check(self._seen)
        assert len(self._seen) >= TASKS
        print(f"\n{figures}; {self._restarts()} processes were started again")
        self._campaign.passed()

    def _deck(self, number: int) -> list[tuple[str, Callable[[], None]]]:
        """Each kind once before any comes again."""
        dealt: list[tuple[str, Callable[[], None]]] = []
        while len(dealt) < number:
            deck = [*self._others, *((f"{f} {r} {p}", self._at(f, r, p)) for f, r, p in POINTS)]
            self._rng.shuffle(deck)
            dealt += deck
        return dealt[:number]

    def _submit(self, rng: random.Random) -> None:
        while True:
            enough = len(self._seen) >= TASKS
            if enough and self._calm.is_set():
                return
            delay = rng.choice((0.0, 0.0, rng.random() * DELAY_MAX))
            work = {"seconds": rng.choice((0.0, rng.random() * 0.3))}
            task_id = self._fleet.submit(delay=delay, payload=work, priority=rng.choice((0, 5)))
            if task_id is None:
                time.sleep(0.2)  # as a good client does
                continue
            self._seen.append(task_id)
            if not self._calm.is_set():
                time.sleep(rng.random() * (2.0 if enough else 0.4))

    def _restarts(self) -> int:
        return sum(member.starts - 1 for member in self._fleet.members)

    def _at(self, fault: str, role: str, point: str) -> Callable[[], None]:
        def inject() -> None:
            self._fleet.points.arm(fault, role, point)
            self._fleet.until(
                lambda: not self._fleet.points.waits(fault, role, point),
                FAULT_MAX,
                f"nobody has come by: {role} {point}",
            )

        return inject

    def _kill_rabbit(self) -> None:
        self._rabbit.kill()
        time.sleep(self._rng.random())
        self._rabbit.start()

    def _cut(self) -> None:
        self._fleet.proxy.cut()
        time.sleep(self._rng.random() * 1.5)
        self._fleet.proxy.heal()

    def _terminate(self) -> None:
        self._fleet.ledger.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def _kill_worker(self) -> None:
        self._rng.choice(self._fleet.of("worker")).server.process.kill()

    def _stop_worker(self) -> None:
        self._rng.choice(self._fleet.of("worker")).freeze()


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_is_doubled(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """500 tasks at a time in full, each time under 40 faults in an order of its own."""
    with (
        campaign("tasks under faults", rounds(1, 5), f"times {TASKS} tasks") as run,
        fleet(tmp_path / "fleet", postgres.address, rabbit, faulty=True) as ships,
    ):
        ships.serve()
        for _ in range(WORKERS):
            ships.work()
        time.sleep(SETTLED)
        for _ in range(run.number):
            seed = run.dice.random()
            Storm(ships, postgres, rabbit, random.Random(seed), run).run(rounds(12, 40))
            ships.ledger.clear()


@pytest.mark.timeout(300)  # RabbitMQ gives to another what the sleeper has, once it misses it
@pytest.mark.parametrize("point", ["before effect", "before settle"])
def test_the_write_of_a_worker_that_slept_beyond_its_lease_is_refused(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path, point: str
) -> None:
    """While another runs the task, so that the fence alone can tell the two apart."""
    with fleet(tmp_path / "fleet", postgres.address, rabbit, faulty=True) as ships:
        ships.serve()
        sleeper = ships.work()
        sleeper.held = True
        ships.points.arm("stop", "worker", point)
        task_id = ships.submit(payload={"seconds": 4})
        assert task_id is not None
        ships.until(sleeper.is_stopped, 20, "it was not stopped")
        other = ships.work()
        again = {"status": "running", "fence": 2, "attempt": 2}
        ships.until(lambda: again.items() <= ships.ledger.task(task_id).items(), 60, "no rescue")
        sleeper.go_on()
        ships.all_end(30)
        row = ships.ledger.task(task_id)
        assert (row["status"], row["fence"], row["attempt"]) == ("succeeded", 2, 2)
        assert f'"pid":{other.server.process.pid}' in row["result"]
        other.stop()
        later = ships.submit()  # the sleeper is of use again, so its write was refused by then
        ships.all_end(30)
        assert ships.ledger.task(task_id) == row
        assert later is not None
        assert ships.ledger.check([task_id, later]).attempts <= 3
        assert sleeper.stop() == 0
