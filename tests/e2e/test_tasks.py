"""The Tasks rows of the API page."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.http import TIME, UUID7, problem
from tests.support.processes import Server, serving
from tests.support.tasks import (
    FIELDS,
    HANDLERS,
    MORE_FIELDS,
    SUBMIT,
    TASKS,
    WAIT_MAX,
    dead,
    held,
    path_of_task,
    reached,
    read,
    submitted,
)

UNKNOWN = f"{TASKS}/0198c5a0-0000-7000-8000-000000000000"
LATER = "1h"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), **HANDLERS) as server:
        yield server


def at(task: dict[str, Any], field: str) -> datetime:
    return datetime.fromisoformat(task[field])


def test_submit(api: httpx.Client) -> None:
    """POST /tasks/delayed → 202, Location, and the fields of the contract in their order."""
    body = {"type": "echo", "payload": {"hello": ["wörld", 1.5, None]}, "delay": 3600}
    response = api.post(SUBMIT, json=body)
    assert response.status_code == 202
    task = response.json()
    assert list(task) == FIELDS + MORE_FIELDS
    assert response.headers["location"] == path_of_task(task)
    assert UUID7.fullmatch(task["id"])
    for field in ("run_at", "created_at", "updated_at"):
        assert TIME.fullmatch(task[field])
    assert at(task, "run_at") - at(task, "created_at") == timedelta(hours=1)
    expected = {"type": "echo", "status": "scheduled", "payload": body["payload"], "attempt": 0}
    expected |= {"max_attempts": 5, "priority": 0, "progress": None, "result": None, "error": None}
    expected |= {"errors": [], "unique_key": None, "cancelling": False}
    assert expected.items() <= task.items()
    assert api.get(response.headers["location"]).json() == task


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (0, 0),
        (30, 30),
        (0.25, 0.25),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5_400),
        ("1d2h3m4s", 93_784),
        ("0.5s", 0.5),
        ("30d", 2_592_000),
        (2_592_000, 2_592_000),
    ],
)
def test_delays(api: httpx.Client, delay: float | str, seconds: float) -> None:
    """POST /tasks/delayed {"delay": 30 | "90s" | "5m" | "1h30m"}, 0 to 30 days."""
    task = submitted(api, delay=delay)
    assert at(task, "run_at") - at(task, "created_at") == timedelta(seconds=seconds)


def test_run_at(api: httpx.Client) -> None:
    """POST /tasks/delayed {run_at}: from now to 30 days on, shown in UTC."""
    now = datetime.now(UTC)
    soon = now + timedelta(hours=2)
    task = submitted(api, run_at=f"{soon:%Y-%m-%dT%H:%M:%S.%f}+00:00")
    assert at(task, "run_at") == soon
    elsewhere = (now + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S+05:00")
    shown = submitted(api, run_at=elsewhere)["run_at"]
    assert shown == f"{soon:%Y-%m-%dT%H:%M:%S}Z"
    almost = now + timedelta(days=30, seconds=-5)
    assert at(submitted(api, run_at=almost.isoformat()), "run_at") == almost
    just_now = now - timedelta(seconds=2)  # clocks differ
    assert reached(api, submitted(api, run_at=just_now.isoformat()), "succeeded")


def test_all_that_can_be_asked_for(api: httpx.Client) -> None:
    """POST /tasks/delayed {priority, max_attempts}."""
    task = submitted(api, delay=LATER, priority=9, max_attempts=100)
    assert (task["priority"], task["max_attempts"]) == (9, 100)
    task = submitted(api, delay=LATER, priority=0, max_attempts=1)
    assert (task["priority"], task["max_attempts"]) == (0, 1)


def test_a_unique_key(api: httpx.Client) -> None:
    """POST /tasks/delayed {unique_key}: an unfinished one of its type is given instead."""
    first = submitted(api, delay=LATER, unique_key="the one", payload={"n": 1})
    again = submitted(api, unique_key="the one", payload={"n": 2})
    assert again == first
    assert first["unique_key"] == "the one"
    other = submitted(api, "test.fail", delay=LATER, unique_key="the one")
    assert other["id"] != first["id"]
    api.delete(path_of_task(first))
    assert submitted(api, delay=LATER, unique_key="the one")["id"] != first["id"]


def test_the_largest_payload(api: httpx.Client) -> None:
    """POST /tasks/delayed: 256 KiB, and as deep as is taken, go in and come out."""
    payload = {"a": "x" * (256 * 1024 - len('{"a":""}'))}
    task = reached(api, submitted(api, payload=payload), "succeeded")
    assert task["payload"] == task["result"] == payload
    escaped = {"a": "é" * (128 * 1024 - len('{"a":""}'))}
    assert submitted(api, payload=escaped, delay=LATER)["payload"] == escaped
    deep: Any = [1]
    for _ in range(97):
        deep = [deep]
    assert reached(api, submitted(api, payload={"a": deep}), "succeeded")["result"] == {"a": deep}


def test_odd_values_of_a_payload(api: httpx.Client) -> None:
    """What is JSON is kept as it is: odd keys, NUL, large numbers."""
    payload = {"": None, "a\0b": "\0", "\U0001f600": -0.5, "n": 10**30, "m": -(2**63), "f": 1e308}
    task = reached(api, submitted(api, payload=payload), "succeeded")
    assert task["payload"] == task["result"] == payload


def test_it_runs_when_it_is_due_and_not_before(api: httpx.Client) -> None:
    """A task succeeds, with its result, after its delay."""
    task = submitted(api, payload={"n": 1}, delay=0.6)
    assert read(api, task)["status"] == "scheduled"
    done = read(api, task, wait=WAIT_MAX)
    assert done["status"] == "succeeded"
    assert done["attempt"] == 1
    assert done["result"] == {"n": 1}
    assert done["progress"] == 1.0
    assert done["error"] is None
    assert at(done, "updated_at") >= at(done, "run_at") == at(task, "run_at")


def test_a_failure_shows(api: httpx.Client) -> None:
    """A failed attempt is scheduled again, and its error shows; after the last one it is dead."""
    task = submitted(api, "test.fail", max_attempts=2)
    ended = read(api, task, wait=WAIT_MAX)
    assert (ended["status"], ended["attempt"]) == ("dead", 2)
    assert ended["error"] == "ValueError: attempt 2 failed"
    assert [e["error"] for e in ended["errors"]] == [
        "ValueError: attempt 1 failed",
        "ValueError: attempt 2 failed",
    ]
    assert [list(error) for error in ended["errors"]] == [["attempt", "at", "error"]] * 2
    assert [error["attempt"] for error in ended["errors"]] == [1, 2]
    assert all(TIME.fullmatch(error["at"]) for error in ended["errors"])
    given_up = read(api, submitted(api, "test.give-up"), wait=WAIT_MAX)
    assert (given_up["status"], given_up["attempt"]) == ("dead", 1)


def test_wait_ends_when_the_task_does(api: httpx.Client) -> None:
    """GET /tasks/{id}?wait=0..30 (long poll): answered once the task has ended."""
    task = submitted(api, delay=LATER)
    answers: list[dict[str, Any]] = []
    waiters = [
        threading.Thread(target=lambda: answers.append(read(api, task, wait=30))) for _ in range(3)
    ]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.3)
    assert answers == []
    api.delete(path_of_task(task))
    for waiter in waiters:
        waiter.join(WAIT_MAX)  # far less than 30 s after the test's own time-out
    assert [answer["status"] for answer in answers] == ["cancelled"] * 3


@pytest.mark.parametrize("wait", ["0", "0.3", "1e-1"])
def test_wait_ends_when_it_is_over(api: httpx.Client, wait: str) -> None:
    """GET /tasks/{id}?wait=0..30: the task as it is, where it does not end meanwhile."""
    task = submitted(api, delay=LATER)
    began = time.monotonic()
    response = api.get(path_of_task(task), params={"wait": wait})
    assert float(wait) <= time.monotonic() - began < WAIT_MAX
    assert response.json() == task


def test_an_unknown_id(api: httpx.Client) -> None:
    """GET /tasks/{id} → 404 for an unknown id, at once however long one would wait."""
    problem(api.get(UNKNOWN), 404, "not_found")
    began = time.monotonic()
    problem(api.get(UNKNOWN, params={"wait": 30}), 404, "not_found")
    assert time.monotonic() - began < WAIT_MAX


def test_progress_shows(api: httpx.Client) -> None:
    """GET /tasks/{id}: a running task shows how far it is."""
    task = held(api)
    deadline = time.monotonic() + WAIT_MAX
    while read(api, task)["progress"] != 0.5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    api.delete(path_of_task(task))


def walked(client: httpx.Client, **params: Any) -> Iterator[list[dict[str, Any]]]:
    response = client.get(TASKS, params=params)
    while True:
        assert response.status_code == 200, response.text
        yield response.json()
        if "next" not in response.links:
            return
        response = client.get(response.links["next"]["url"])


def test_list(tmp_path: Path) -> None:
    """GET /tasks?status=&type=&limit=&cursor=: a bare array, newest first, Link rel=next."""
    with serving(tmp_path / "listed", **HANDLERS) as (_, client):
        assert client.get(TASKS).json() == []
        made = [submitted(client, delay=LATER, payload={"n": n}) for n in range(101)]
        newest = made[::-1]
        response = client.get(TASKS)
        assert response.json() == newest[:50]
        assert "next" in response.links
        assert client.get(TASKS, params={"limit": 100}).json() == newest[:100]
        pages = list(walked(client, limit=20))
        assert [len(page) for page in pages] == [20, 20, 20, 20, 20, 1]
        assert [task for page in pages for task in page] == newest
        failed = dead(client)
        assert client.get(TASKS, params={"status": "dead"}).json() == [failed]
        assert client.get(TASKS, params={"type": "test.fail"}).json() == [failed]
        assert client.get(TASKS, params={"type": "test.fail", "status": "queued"}).json() == []
        assert client.get(TASKS, params={"type": "no.such-type"}).json() == []
        of_type = [t for page in walked(client, type="echo", limit=30) for t in page]
        assert of_type == newest


def test_a_walk_while_tasks_come_and_change(api: httpx.Client) -> None:
    """GET /tasks: the cursor is keyset: who was there is listed once, whatever comes."""
    made = [submitted(api, delay=LATER)["id"] for _ in range(7)]
    seen = []
    for page in walked(api, limit=3):
        seen += [task["id"] for task in page]
        submitted(api, delay=LATER)
        api.delete(path_of_task(page[-1]))
    assert [id_ for id_ in seen if id_ in made] == made[::-1]
    assert len(set(seen)) == len(seen)


def test_the_link_keeps_the_parameters(api: httpx.Client) -> None:
    """GET /tasks: the Link is the same list, from another place."""
    for _ in range(2):
        submitted(api, delay=LATER)
    response = api.get(TASKS, params={"limit": 1, "status": "scheduled", "type": "echo"})
    params = dict(httpx.URL(response.links["next"]["url"]).params)
    assert response.headers["link"].startswith(f"<{TASKS}?")
    assert len(params.pop("cursor")) > 0
    assert params == {"limit": "1", "status": "scheduled", "type": "echo"}


def test_cancel(api: httpx.Client) -> None:
    """DELETE /tasks/{id} → 200 cancelled; 409 a second time; it does not run."""
    task = submitted(api, delay=0.5)
    response = api.delete(path_of_task(task))
    assert response.status_code == 200
    cancelled = response.json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["cancelling"] is False
    problem(api.delete(path_of_task(task)), 409, "task_state")
    time.sleep(0.8)
    assert read(api, task) == cancelled


def test_cancel_a_running_task(api: httpx.Client) -> None:
    """DELETE /tasks/{id} → 202 cancelling (running); then it ends."""
    task = held(api)
    response = api.delete(path_of_task(task))
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["cancelling"]) == ("running", True)
    ended = read(api, task, wait=WAIT_MAX)
    assert (ended["status"], ended["cancelling"]) == ("cancelled", False)
    problem(api.delete(path_of_task(task)), 409, "task_state")


def test_cancel_what_has_ended(api: httpx.Client) -> None:
    """DELETE /tasks/{id} → 409 finished, 404 unknown."""
    task = reached(api, submitted(api), "succeeded")
    document = problem(api.delete(path_of_task(task)), 409, "task_state")
    assert "succeeded" in document["detail"]
    problem(api.delete(UNKNOWN), 404, "not_found")
    assert read(api, task) == task


def test_reschedule(api: httpx.Client) -> None:
    """PATCH /tasks/{id} {run_at | delay, priority}."""
    task = submitted(api, delay=LATER)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    response = api.patch(path_of_task(task), json={"run_at": later.isoformat(), "priority": 7})
    assert response.status_code == 200
    moved = response.json()
    assert (at(moved, "run_at"), moved["priority"]) == (later, 7)
    assert read(api, task) == moved
    only = api.patch(path_of_task(task), json={"priority": 0}).json()
    assert (at(only, "run_at"), only["priority"]) == (later, 0)
    sooner = api.patch(path_of_task(task), json={"delay": "10m"}).json()
    assert at(sooner, "run_at") - at(sooner, "updated_at") == timedelta(minutes=10)
    api.patch(path_of_task(task), json={"delay": 0})
    assert read(api, task, wait=WAIT_MAX)["status"] == "succeeded"


def test_reschedule_what_has_started(api: httpx.Client) -> None:
    """PATCH /tasks/{id} → 409 once started, 404 unknown."""
    running, done = held(api), reached(api, submitted(api), "succeeded")
    for task in (running, done):
        for change in ({"delay": 5}, {"priority": 1}):
            problem(api.patch(path_of_task(task), json=change), 409, "task_state")
    problem(api.patch(UNKNOWN, json={"delay": 5}), 404, "not_found")
    api.delete(path_of_task(running))


def test_retry(api: httpx.Client) -> None:
    """POST /tasks/{id}/retry for a dead one → 200: all its attempts again, errors are kept."""
    task = dead(api)
    response = api.post(f"{path_of_task(task)}/retry")
    assert response.status_code == 200
    again = response.json()
    assert (again["status"], again["attempt"]) == ("scheduled", 0)
    assert again["errors"] == task["errors"]
    ended = read(api, task, wait=WAIT_MAX)
    assert (ended["status"], len(ended["errors"])) == ("dead", 2)


def test_retry_what_is_not_dead(api: httpx.Client) -> None:
    """POST /tasks/{id}/retry → 409 unless dead, 404 unknown."""
    waiting, done = submitted(api, delay=LATER), reached(api, submitted(api), "succeeded")
    cancelled = submitted(api, delay=LATER)
    api.delete(path_of_task(cancelled))
    for task in (waiting, done, cancelled):
        document = problem(api.post(f"{path_of_task(task)}/retry"), 409, "task_state")
        assert "dead" in document["detail"]
    problem(api.post(f"{UNKNOWN}/retry"), 404, "not_found")


def test_retry_where_another_has_the_key(api: httpx.Client) -> None:
    """POST /tasks/{id}/retry → 409 where an unfinished task has its unique_key meanwhile."""
    task = reached(api, submitted(api, "test.fail", max_attempts=1, unique_key="retried"), "dead")
    submitted(api, "test.fail", delay=LATER, unique_key="retried")
    document = problem(api.post(f"{path_of_task(task)}/retry"), 409, "task_state")
    assert "unique_key" in document["detail"]


def test_what_was_accepted_outlives_the_process(tmp_path: Path) -> None:
    """A 202 is kept: after a kill -9 the tasks are there, and run."""
    folder = tmp_path / "server"
    with serving(folder) as (server, client):
        due = submitted(client, delay=1.5, payload={"n": 1})
        later = submitted(client, delay=LATER)
        server.kill()
    with serving(folder) as (_, client):
        assert read(client, later) == later
        done = read(client, due, wait=WAIT_MAX)
        assert (done["status"], done["result"]) == ("succeeded", {"n": 1})


def test_a_wait_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    """GET /tasks/{id}?wait: answered, with the task as it is, when the process is told to stop."""
    with serving(tmp_path / "server", SHUTDOWN_TIMEOUT="60s") as (server, client):
        task = submitted(client, delay=LATER)
        answers: list[dict[str, Any]] = []
        waiter = threading.Thread(target=lambda: answers.append(read(client, task, wait=30)))
        waiter.start()
        time.sleep(0.5)
        began = time.monotonic()
        server.signal()
        assert server.wait(WAIT_MAX) == 0
        waiter.join()
        assert answers == [task]
        assert time.monotonic() - began < 20  # the wait alone would have taken longer


def test_head(api: httpx.Client) -> None:
    """HEAD works wherever GET does."""
    response = api.head(path_of_task(submitted(api, delay=LATER)), params={"wait": 0.1})
    assert (response.status_code, response.content) == (200, b"")
