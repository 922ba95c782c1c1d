"""What goes with a task from its request, and what a long poll leaves behind."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from profilecore.access import Caller
from profilecore.errors import Unavailable
from profilecore.order import Order
from profilecore.tasks.service import Submitted
from profilecore.testing.samples import AT
from tests.support.http import problem
from tests.support.inside import Call, Change, Inside, inside, raising
from tests.support.tasks import SUBMIT, TASKS

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNKNOWN = f"{TASKS}/0198c5a0-0000-7000-8000-000000000000"
A_TASK = {"type": "echo", "delay": "1h"}


def with_tasks(**doubles: Any) -> Change:
    """Put other methods in the place of the service's."""

    def change(parts: Any) -> Any:
        for name, double in doubles.items():
            setattr(parts.tasks, name, double)
        return parts

    return change


@pytest.mark.parametrize(
    ("parent", "kept"),
    [
        (None, False),
        (PARENT, True),
        (PARENT.replace("00-", "cc-", 1), True),
        (PARENT.replace("00-", "ff-", 1), False),
        (PARENT.upper(), False),
        (f"{PARENT}-more", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
        ("", False),
        ("x" * 5_000, False),
    ],
)
async def test_the_trace_of_a_task(tmp_path: Path, parent: str | None, kept: bool) -> None:
    """The request's id goes with the task, and its traceparent where that is valid."""
    orders: list[Order] = []

    async def submit_once(order: Order, caller: Caller) -> Submitted:
        orders.append(order)
        return Submitted(order.task(AT), replayed=False)

    headers = {"X-Request-ID": "the-one"} | ({} if parent is None else {"traceparent": parent})
    async with inside(tmp_path, change=with_tasks(submit_once=submit_once)) as app:
        response = await app.client.post(SUBMIT, json=A_TASK, headers=headers)
        assert response.status_code == 202
    expected = {"request_id": "the-one"} | ({"traceparent": parent} if kept else {})
    assert [order.trace for order in orders] == [expected]


async def submitted(app: Inside) -> str:
    path: str = (await app.client.post(SUBMIT, json=A_TASK)).headers["location"]
    return path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_that_hangs_up_ends_its_wait(tmp_path: Path, method: str) -> None:
    """GET /tasks/{id}?wait: nothing goes on for a client that is gone."""
    async with inside(tmp_path) as app:
        path = await submitted(app)
        before = asyncio.all_tasks()
        leaving = Call(app.app, method, f"{path}?wait=30")
        leaving.give(b"")
        await asyncio.sleep(0.3)
        assert leaving.silent
        leaving.hang_up()
        await leaving.end()
        await leaving.nothing_left(before)


async def test_the_end_of_the_process_ends_a_wait(tmp_path: Path) -> None:
    """GET /tasks/{id}?wait: answered as it is, also where that begins while draining."""
    async with inside(tmp_path) as app:
        path = await submitted(app)
        before = asyncio.all_tasks()
        waiting = Call(app.app, "GET", f"{path}?wait=30")
        await asyncio.sleep(0.3)
        assert waiting.silent
        app.parts.lifecycle.drain()
        late = Call(app.app, "GET", f"{path}?wait=30")
        for call in (waiting, late):
            answer = await call.answer()
            assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
            await call.end()
        await late.nothing_left(before)


async def test_a_task_that_is_gone_meanwhile(tmp_path: Path) -> None:
    """GET /tasks/{id}?wait: 404 where it is purged while one waits."""
    async with inside(tmp_path) as app:
        path = await submitted(app)
        waiting = Call(app.app, "GET", f"{path}?wait=30")
        await asyncio.sleep(0.3)
        assert waiting.silent
        await app.client.delete(path)
        assert await app.parts.upkeep.purge(timedelta(0)) == 1
        problem(await waiting.answer(), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "double", "body"),
    [
        ("POST", SUBMIT, "submit_once", A_TASK),
        ("GET", UNKNOWN, "read", None),
        ("GET", f"{UNKNOWN}?wait=5", "read", None),
        ("GET", TASKS, "list", None),
        ("DELETE", UNKNOWN, "cancel", None),
        ("PATCH", UNKNOWN, "reschedule", {"delay": 5}),
        ("POST", f"{UNKNOWN}/retry", "retry", None),
    ],
)
async def test_a_store_that_does_not_answer(
    tmp_path: Path, method: str, path: str, double: str, body: Any
) -> None:
    """Each is a 503 with Retry-After."""
    failing = raising(Unavailable("The database does not answer.", retry_after=2))
    async with inside(tmp_path, change=with_tasks(**{double: failing})) as app:
        response = await app.client.request(method, path, json=body)
        problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "2"
