"""`profilecore gc` removes what was kept for long enough, and nothing else."""

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run
from tests.support.http import PROFILES, created, path_of, problem
from tests.support.processes import serving
from tests.support.tasks import path_of_task, reached, submitted

NOTHING = """\
0 finished tasks removed
0 deleted profiles removed
0 entries of the log removed
0 ends of tasks removed
0 receipts of requests removed
0 images without a profile removed
"""
AT_ONCE = {"TASKS_KEPT": "0s", "TOMBSTONES_KEPT": "0s", "LOG_KEPT": "0s"}


def test_a_new_store_has_nothing_to_remove(run: Run) -> None:
    done = run("gc", **AT_ONCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, NOTHING, "")


def test_it_removes_what_was_kept_for_long_enough(run: Run, tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        ended = [reached(client, submitted(client), "succeeded") for _ in range(2)]
        waiting = submitted(client, delay="1h")
        alive, gone = created(client), created(client)
        client.delete(path_of(gone))
        kept = run("gc")
        assert (kept.returncode, kept.stdout, kept.stderr) == (0, NOTHING, "")
        done = run("gc", **AT_ONCE)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "2 finished tasks removed",
            "1 deleted profiles removed",
            "2 entries of the log removed",  # of three: the newest is always kept
            "1 ends of tasks removed",  # of two, likewise
            "0 receipts of requests removed",
            "0 images without a profile removed",
        ]
        for task in ended:
            problem(client.get(path_of_task(task)), 404, "not_found")
        assert client.get(path_of_task(waiting)).json() == waiting
        problem(client.post(f"{path_of(gone)}/restore"), 404, "not_found")
        assert client.get(PROFILES).json() == [alive]
        again = run("gc", **AT_ONCE)
        assert (again.returncode, again.stdout) == (0, NOTHING)


def test_tasks_alone_by_an_option(run: Run, tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        ended = reached(client, submitted(client), "succeeded")
        client.delete(path_of(created(client)))
        assert run("gc", "--tasks-older-than", "1h").stdout == NOTHING
        done = run("gc", "--tasks-older-than", "0s")
        assert done.stdout == NOTHING.replace("0 finished", "1 finished")
        problem(client.get(path_of_task(ended)), 404, "not_found")


@pytest.mark.parametrize("span", ["soon", "", "-1h", "5"])
def test_a_span_that_is_none(run: Run, span: str) -> None:
    done = run("gc", "--tasks-older-than", span)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("profilecore: Invalid value for --tasks-older-than: takes a dura")
    assert done.stderr.count("\n") == 1


def test_a_store_that_ends_with_the_command(run: Run) -> None:
    assert run("gc", DATABASE="memory").returncode == 2
