"""Clocks that are an hour off, or jump: the database's is the one that decides."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.support.campaign import campaign, rounds
from tests.support.fleet import Fleet, fleet
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitProcess

LIBRARY: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
TASKS: Final = rounds(40, 400)
DELAY_MAX: Final = 4.0
OFF: Final = ("+1h", "-1h")


def off(clock: Path) -> dict[str, str]:
    """The settings of a process whose clock is what a file says at each time, such as +1h."""
    return {
        "LD_PRELOAD": str(LIBRARY[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        # Nobody's monotonic clock is wrong: it has no hour that it could be off by.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def says(ships: Fleet, url: str) -> timedelta:
    """How far the clock of a process is from the real one."""
    told = ships.client.get(f"{url}/health").json()["timestamp"]
    return datetime.fromisoformat(told) - datetime.now(UTC)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_clocks_that_are_off_and_jump_lose_nothing_and_start_nothing_early(
    postgres: Postgres, rabbit: RabbitProcess, tmp_path: Path
) -> None:
    """The server's and one worker's an hour ahead, the other's an hour behind; then they swap."""
    with (
        campaign("clocks", TASKS, "tasks") as run,
        fleet(tmp_path / "fleet", postgres.address, rabbit) as ships,
    ):
        clocks = [tmp_path / name for name in ("server", "one", "other")]
        for clock, offset in zip(clocks, ("+1h", *OFF), strict=True):
            clock.write_text(offset)
        lease = {"TASK_LEASE": "10s"}
        ships.serve(**off(clocks[0]), **lease)
        workers = [ships.work(**off(clock), **lease) for clock in clocks[1:]]
        for worker, hours in zip(workers, (1, -1), strict=True):
            assert abs(says(ships, worker.server.url) - timedelta(hours=hours)) < timedelta(
                minutes=1
            )
        seen = []
        for number in range(TASKS):
            if number == TASKS // 2:
                for clock, offset in zip(clocks, ("-1h", "-1h", "+1h"), strict=True):
                    clock.write_text(offset)
                    run.injected("jump")
            delay = run.dice.random() * DELAY_MAX
            if run.dice.random() < 0.5:
                seen.append(ships.submit(delay=delay))
            else:  # by the clock of the client, which is right
                at = datetime.now(UTC) + timedelta(seconds=delay)
                seen.append(ships.submit(run_at=at.isoformat()))
            run.passed()
            time.sleep(run.dice.random() * 0.05)
        ships.all_end()
        figures = ships.ledger.check([task_id for task_id in seen if task_id])
        late = ships.ledger.lateness()
        print(f"\n{figures}; the last of them started {late:.3f} s after it was due")
        assert (figures.tasks, figures.unknown, figures.doubled) == (TASKS, 0, 0)
        assert late < 60, "an hour off is not an hour late"
