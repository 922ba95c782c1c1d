"""Which process runs tasks, by its settings; what it shows, and how it stops."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.http import PROFILES, problem
from tests.support.processes import Server, run
from tests.support.tasks import (
    HANDLERS,
    SUBMIT,
    TASKS,
    WAIT_MAX,
    held,
    path_of_task,
    reached,
    read,
    submitted,
)
from tests.support.uploads import until

SERVED = {"DATABASE": "sqlite", "AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1", **HANDLERS}
BOUND = 20.0
NEVER = 1.5  # seconds in which a worker that was there would have begun


@contextmanager
def process(folder: Path, command: str, **settings: str) -> Iterator[Server]:
    """A process that shares its data with those of the same folder."""
    own = folder / f"{command}{len(list(folder.iterdir()))}"
    own.mkdir()
    given = {**SERVED, "DATA_DIR": str(folder / "data"), **settings}
    with Server(own, command=command, **given) as server:
        yield server


def lines(server: Server, logger: str) -> list[dict[str, Any]]:
    """The log lines that a logger has written."""
    parsed = [json.loads(line) for line in server.errors.splitlines()]
    return [line for line in parsed if line["logger"].startswith(logger)]


def the_line(server: Server, logger: str) -> dict[str, Any]:
    """The one line that a logger writes; a thread does it, and so a moment later."""
    until(lambda: bool(lines(server, logger)), 30, "it is not written")
    (line,) = lines(server, logger)
    return line


def metric(client: httpx.Client, name: str, **labels: str) -> float:
    wanted = "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    start = f"{name}{wanted if labels else ''} "
    found = [line for line in client.get("/metrics").text.splitlines() if line.startswith(start)]
    return float(found[0].split()[1]) if found else 0.0


def test_a_server_without_concurrency_leaves_tasks_to_a_worker(tmp_path: Path) -> None:
    """The request's id is in the line that the handler writes there."""
    with process(tmp_path, "serve") as server, server.client() as client:
        headers = {"X-Request-ID": "asked-for-by-ada"}
        body = {"type": "test.say", "payload": {"text": "hello"}}
        task = client.post(SUBMIT, json=body, headers=headers).json()
        time.sleep(NEVER)
        assert read(client, task)["status"] == "scheduled"
        assert metric(client, "tasks_submitted_total", type="test.say") == 1
        with process(tmp_path, "worker") as worker, worker.client() as seen:
            assert reached(client, task, "succeeded")["attempt"] == 1
            line = the_line(worker, "profilecore.tasks.test.say")
            assert (line["message"], line["request_id"]) == ("it says hello", "asked-for-by-ada")
            assert lines(server, "profilecore.tasks.") == []
            assert metric(seen, "tasks_started_total", type="test.say") == 1
            assert metric(seen, "tasks_succeeded_total", type="test.say") == 1
            assert metric(seen, "task_lateness_seconds_count") == 1
            assert metric(seen, "task_run_seconds_count", type="test.say") == 1
            assert metric(client, "tasks_started_total", type="test.say") == 0
            assert worker.stop() == 0
        assert server.stop() == 0


def test_a_server_with_concurrency_runs_them_inside(tmp_path: Path) -> None:
    """So many at once, and no more."""
    with process(tmp_path, "serve", TASK_CONCURRENCY="2") as server, server.client() as client:
        two = [held(client) for _ in range(2)]
        third = submitted(client, "test.say", payload={"text": "hello"})
        time.sleep(NEVER)
        assert read(client, third)["status"] in ("scheduled", "queued")
        client.delete(path_of_task(two[0]))
        assert reached(client, third, "succeeded")
        assert the_line(server, "profilecore.tasks.test.say")["request_id"]
        client.delete(path_of_task(two[1]))
        reached(client, two[1], "cancelled")
        assert metric(client, "tasks_cancelled_total", type="test.hold") == 2


def test_a_worker_has_health_and_metrics_and_nothing_else(tmp_path: Path) -> None:
    with process(tmp_path, "worker") as worker, worker.client() as client:
        health = client.get("/health")
        assert health.status_code == 200
        assert health.json()["components"]["queue"]["detail"] == "embedded"
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200
        shown = client.get("/metrics").text
        for name in ("tasks_started_total", "tasks_waiting", "task_oldest_due_seconds"):
            assert name in shown
        for path in (PROFILES, TASKS, "/api/v1/events", "/docs", "/openapi.json"):
            problem(client.get(path), 404, "not_found")
        problem(client.post(SUBMIT, json={"type": "echo"}), 404, "not_found")
        assert "working; health and metrics are on http://localhost:" in worker.errors


def test_a_worker_finishes_what_it_has(tmp_path: Path) -> None:
    """SIGTERM: a task that ends in time is not begun again, and no other is taken."""
    with process(tmp_path, "serve") as server, server.client() as client:
        with process(tmp_path, "worker", SHUTDOWN_TIMEOUT="60s") as worker:
            task = submitted(client, "test.sleep", payload={"seconds": 2})
            reached(client, task, "running")
            worker.signal()
            late = submitted(client, "echo")
            assert worker.wait(BOUND) == 0
            ended = read(client, task)
            assert (ended["status"], ended["attempt"], ended["result"]) == ("succeeded", 1, 1)
            assert read(client, late)["status"] == "scheduled"
            assert '"exception"' not in worker.errors
        with process(tmp_path, "worker"):
            reached(client, late, "succeeded")


def test_a_worker_hands_back_what_does_not_end(tmp_path: Path) -> None:
    """SIGTERM: after SHUTDOWN_TIMEOUT the task is another's at once, as if it had not begun."""
    with process(tmp_path, "serve") as server, server.client() as client:
        with process(tmp_path, "worker", SHUTDOWN_TIMEOUT="1s", TASK_LEASE="10m") as worker:
            task = held(client)
            began = time.monotonic()
            assert worker.stop() == 0
            assert time.monotonic() - began < BOUND
        back = read(client, task)
        assert (back["status"], back["attempt"], back["errors"]) == ("scheduled", 0, [])
        with process(tmp_path, "worker"):
            assert reached(client, task, "running")["attempt"] == 1
            client.delete(path_of_task(task))
            reached(client, task, "cancelled")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM twice: the task is handed back at once."""
    with process(tmp_path, "serve") as server, server.client() as client:
        with process(tmp_path, "worker", SHUTDOWN_TIMEOUT="60s", TASK_LEASE="10m") as worker:
            task = held(client)
            worker.signal()
            time.sleep(0.5)
            assert worker.process.poll() is None
            worker.signal(number)
            assert worker.wait(BOUND) == 0
        back = read(client, task)
        assert (back["status"], back["attempt"]) == ("scheduled", 0)
        with process(tmp_path, "worker"):
            reached(client, task, "running")
            client.delete(path_of_task(task))
            reached(client, task, "cancelled")


def test_a_killed_worker_is_rescued_and_counted(tmp_path: Path) -> None:
    with process(tmp_path, "serve") as server, server.client() as client:
        with process(tmp_path, "worker", TASK_LEASE="1s") as worker:
            task = held(client)
            worker.kill()
        with process(tmp_path, "worker") as other, other.client() as seen:
            deadline = time.monotonic() + WAIT_MAX
            while (found := read(client, task))["attempt"] != 2:
                assert time.monotonic() < deadline, found
                time.sleep(0.05)
            assert found["errors"][0]["error"] == "the worker was lost"
            assert metric(seen, "task_lease_rescues_total") == 1
            client.delete(path_of_task(task))
            reached(client, task, "cancelled")


def test_a_worker_runs_what_is_due_by_several_types(tmp_path: Path) -> None:
    """One that always fails delays no other, and is counted as what it is."""
    with process(tmp_path, "serve") as server, server.client() as client:
        bad = submitted(client, "test.fail", max_attempts=1)
        good = [submitted(client, "echo", payload={"n": n}) for n in range(20)]
        with process(tmp_path, "worker") as worker, worker.client() as seen:
            for task in good:
                assert read(client, task, wait=WAIT_MAX)["status"] == "succeeded"
            assert read(client, bad, wait=WAIT_MAX)["status"] == "dead"
            assert metric(seen, "tasks_dead_total", type="test.fail") == 1
            assert metric(seen, "tasks_failed_total", type="test.fail") == 1
            assert metric(seen, "tasks_retried_total", type="test.fail") == 0


REFUSALS = [
    (["worker"], {}, "DATABASE"),
    (["worker", "--concurrency", "0"], SERVED, "--concurrency"),
    (["worker", "--concurrency", "many"], SERVED, "--concurrency"),
    (["worker", "--queues", ","], SERVED, "TASK_QUEUES"),
    (["worker", "--queues", "mail.fast"], SERVED, "TASK_QUEUES"),
    (["worker", "--queues", "a b"], SERVED, "TASK_QUEUES"),
    (["worker", "--queues", "default,dead"], SERVED, "TASK_QUEUES"),
    (["worker"], {**SERVED, "QUEUE": "redis"}, "QUEUE"),
    (["worker"], {**SERVED, "TASK_LEASE": "10ms"}, "TASK_LEASE"),
    (["serve"], {**SERVED, "TASK_CONCURRENCY": "-1"}, "TASK_CONCURRENCY"),
]


@pytest.mark.parametrize(("arguments", "settings", "named"), REFUSALS)
def test_what_cannot_be_is_told_at_once(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], named: str
) -> None:
    done = run(tmp_path, *arguments, SERVER_PORT="0", **settings)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
    if "--concurrency" not in arguments:  # that is told in the way of the command line
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["worker", "serve", "dev"])
def test_a_package_that_cannot_be_loaded_is_one_line(tmp_path: Path, command: str) -> None:
    site = tmp_path / "site"
    info = site / "mailing-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mailing\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[profilecore.tasks]\npost = mailing:post\n")
    (site / "mailing.py").write_text("import nowhere_to_be_found\n")
    given = {**SERVED, "PYTHONPATH": str(site), "SERVER_PORT": "0"}
    done = run(tmp_path, command, **given)
    assert done.returncode == 2
    (line,) = (text for text in done.stderr.splitlines() if "mailing" in text)
    assert line.startswith("profilecore: mailing 1.5 (entry point post = mailing:post)")
    assert "Traceback" not in done.stderr
