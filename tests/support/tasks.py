"""Tasks over HTTP, and types of them that hold, fail and give up."""

import time
from pathlib import Path
from typing import Any

import httpx

TASKS = "/api/v1/tasks"
SUBMIT = f"{TASKS}/delayed"
FIELDS = [
    *("id", "type", "status", "payload", "run_at", "attempt", "max_attempts", "priority"),
    *("progress", "result", "error", "created_at", "updated_at"),
]
"""The contract's, in its order; ours come after them."""
MORE_FIELDS = ["errors", "unique_key", "cancelling"]
HANDLERS = {"PYTHONPATH": str(Path(__file__).with_name("handlers"))}
"""The settings with which a process knows test.hold, .fail, .give-up, .say and .sleep."""
WAIT_MAX = 20.0


def submitted(client: httpx.Client, type: str = "echo", **fields: Any) -> dict[str, Any]:
    """A task as the answer to its submission shows it."""
    response = client.post(SUBMIT, json={"type": type} | fields)
    assert response.status_code == 202, response.text
    task: dict[str, Any] = response.json()
    return task


def path_of_task(task: dict[str, Any]) -> str:
    return f"{TASKS}/{task['id']}"


def read(client: httpx.Client, task: dict[str, Any], wait: float = 0) -> dict[str, Any]:
    response = client.get(path_of_task(task), params={"wait": wait})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def reached(client: httpx.Client, task: dict[str, Any], status: str) -> dict[str, Any]:
    """The task once it has that status; where that is not the end, asked for now and then."""
    deadline = time.monotonic() + WAIT_MAX
    while (found := read(client, task))["status"] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def held(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A task that runs until it is cancelled."""
    return reached(client, submitted(client, "test.hold", **fields), "running")


def dead(client: httpx.Client) -> dict[str, Any]:
    """A task whose only attempt has failed."""
    return reached(client, submitted(client, "test.fail", max_attempts=1), "dead")
