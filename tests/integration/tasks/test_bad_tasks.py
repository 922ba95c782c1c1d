"""Tasks that cannot be done harm no others, and are not lost."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.campaign import campaign, rounds
from tests.support.fleet import HANDLERS, Fleet, fleet
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitProcess
from tests.support.tasks import TASKS

GOOD: Final = rounds(60, 1_000)
AT_ONCE: Final = 25
ATTEMPTS: Final = 5
LATE_MAX: Final = 10.0  # seconds, on a machine that is busy; one that is held up waits for ever
NEVER: Final = ("test.never", "test.never-in-thread", "test.never-in-process")


def shown(ships: Fleet, task_id: str | None) -> dict[str, Any]:
    """A task as its caller sees it."""
    found: dict[str, Any] = ships.client.get(f"{TASKS}/{task_id}").json()
    return found


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_one_that_always_fails_delays_none_of_the_good_ones(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """It is more urgent than all of them, and the worker has one hand."""
    with (
        campaign("one bad task", GOOD, "good ones") as run,
        fleet(tmp_path / "fleet", postgres.address, rabbit) as ships,
    ):
        ships.serve()
        ships.work(TASK_CONCURRENCY="1")
        bad = ships.submit("test.always-fails", max_attempts=ATTEMPTS, priority=9)
        assert bad is not None
        run.injected("always fails")
        good = []
        for number in range(GOOD):
            if number % AT_ONCE == 0:  # or they would be late because they are so many
                ships.until(lambda: ships.ledger.unfinished() <= AT_ONCE, 60, "they do not end")
            good.append(ships.submit(delay=run.dice.random()))
            run.passed()
        ships.all_end()
        task = shown(ships, bad)
        assert (task["status"], task["attempt"]) == ("dead", ATTEMPTS)
        told = [error["error"] for error in task["errors"]]
        assert told == [f"ValueError: attempt {n} failed" for n in range(1, ATTEMPTS + 1)]
        ships.ledger.query(f"DELETE FROM tasks WHERE id = '{bad}'")  # noqa: S608
        assert None not in good
        figures = ships.ledger.check([task_id for task_id in good if task_id])
        late = ships.ledger.lateness()
        print(f"\n{figures}; the last of them started {late:.3f} s after it was due")
        assert (figures.tasks, figures.doubled) == (GOOD, 0)
        assert late < LATE_MAX


def test_handlers_that_never_return_are_ended_by_their_time_out(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """As a coroutine, in a thread and in a process; and others run meanwhile, and after them."""
    with fleet(tmp_path / "fleet", postgres.address, rabbit) as ships:
        ships.serve()
        worker = ships.work(TASK_CONCURRENCY="4", TASK_LEASE="30s")
        never = [ships.submit(kind, max_attempts=1) for kind in NEVER]
        beside = ships.submit()
        ships.all_end(30)
        for task_id in never:
            task = shown(ships, task_id)
            assert task["status"] == "dead"
            assert [error["error"] for error in task["errors"]] == ["took longer than 1 s"]
        after = [ships.submit() for _ in range(8)]
        ships.all_end(30)
        ships.ledger.query("DELETE FROM tasks WHERE status = 'dead'")
        assert ships.ledger.check([t for t in (beside, *after) if t]).attempts == 9
        assert worker.stop() == 0


def test_a_type_that_is_gone_after_a_deploy_waits_visibly_and_runs_once_it_is_back(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    with fleet(tmp_path / "fleet", postgres.address, rabbit) as ships:
        ships.serve()
        without = ships.work(PYTHONPATH="")
        task_id, other = ships.submit(), ships.submit("echo")
        assert task_id is not None
        ships.until(
            lambda: shown(ships, other)["status"] == "succeeded", 20, "the worker does not work"
        )
        ships.until(
            lambda: shown(ships, task_id)["error"] is not None, 20, "nobody says why it waits"
        )
        seen = shown(ships, task_id)
        assert seen["error"] == "no worker that was asked knows the type test.effect"
        assert (seen["status"], seen["attempt"]) == ("scheduled", 0)
        assert without.stop() == 0
        ships.work(**HANDLERS)
        ships.until(lambda: shown(ships, task_id)["status"] == "succeeded", 40, "it was forgotten")
        ships.ledger.query(f"DELETE FROM tasks WHERE id = '{other}'")  # noqa: S608
        assert ships.ledger.check([task_id]).attempts == 1
