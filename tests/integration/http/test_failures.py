"""What is answered when something inside fails: enough for a person, nothing for an attacker."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from profilecore.entrypoints.http import system
from profilecore.entrypoints.parts import Parts
from profilecore.errors import Conflict, ProfilecoreError, Unavailable
from tests.support.http import PROFILES, person, problem
from tests.support.inside import Call, Change, Inside, inside, raising, with_service

ANY = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"
SECRET = "SELECT password FROM users -- at db-7.internal"


@pytest.fixture
def records() -> Any:
    """What was logged."""
    found: list[Any] = []
    sink = logger.add(lambda message: found.append(message.record))
    yield found
    logger.remove(sink)


async def test_an_unknown_exception(tmp_path: Path, records: list[Any]) -> None:
    """500 that says nothing of the cause; the cause is in the log, under the same request id."""
    failing = with_service(read=raising(RuntimeError(SECRET)))
    async with inside(tmp_path, change=failing) as app:
        response = await app.client.get(ANY, headers={"X-Request-ID": "the-one"})
        document = problem(response, 500, "internal")
        assert SECRET not in response.text
        assert document["request_id"] == "the-one"
        labels = {"method": "GET", "route": f"{PROFILES}/{{profile_id}}", "status": "500"}
        assert app.metric("http_requests_total", **labels) == 1
    (failure,) = [record for record in records if record["level"].name == "ERROR"]
    assert failure["message"] == "unexpected RuntimeError"
    assert str(failure["exception"].value) == SECRET


@pytest.mark.parametrize(
    ("method", "path", "double"),
    [
        ("POST", PROFILES, "create"),
        ("GET", PROFILES, "list"),
        ("GET", ANY, "read"),
        ("PUT", ANY, "update"),
        ("PATCH", ANY, "update"),
        ("DELETE", ANY, "remove"),
        ("POST", f"{ANY}/restore", "restore"),
        ("GET", f"{ANY}/events", "history"),
        ("POST", f"{PROFILES}/batch", "commit"),
    ],
)
async def test_the_store_does_not_answer(
    tmp_path: Path, method: str, path: str, double: str
) -> None:
    """503 with Retry-After for every operation."""
    body = {PROFILES: person(), f"{PROFILES}/batch": {"create": [person()]}}.get(path, {"bio": "x"})
    failing = with_service(**{double: raising(Unavailable("The disk is full.", retry_after=7))})
    async with inside(tmp_path, change=failing) as app:
        has_body = method in ("POST", "PUT", "PATCH") and "restore" not in path
        response = await app.client.request(method, path, json=body if has_body else None)
        assert problem(response, 503, "unavailable")["detail"] == "The disk is full."
        assert response.headers["retry-after"] == "7"


async def test_what_was_unavailable_is_in_the_log(tmp_path: Path, records: list[Any]) -> None:
    """503 is a warning that names the cause; what a client did wrong is none."""
    error = Unavailable("The disk is full.")
    error.__cause__ = OSError("No space left on device")
    async with inside(tmp_path, change=with_service(read=raising(error))) as app:
        response = await app.client.get(ANY)
        assert "space" not in response.text
        await app.client.get("/nowhere")
    (warning,) = [record for record in records if record["level"].no > 20]
    assert warning["level"].name == "WARNING"
    assert "The disk is full." in warning["message"]
    assert "No space left on device" in warning["message"]


async def test_a_code_of_an_adapters_own(tmp_path: Path) -> None:
    """A code that the table does not know is what its class is a kind of."""
    for error, status, code in (
        (Unavailable("Garbled.", code="garbled"), 503, "unavailable"),
        (Conflict("Odd.", code="odd"), 409, "conflict"),
        (ProfilecoreError("Nobody knows."), 500, "internal"),
    ):
        async with inside(tmp_path, change=with_service(read=raising(error))) as app:
            problem(await app.client.get(ANY), status, code)


async def test_a_stream_that_fails_on_the_way(tmp_path: Path, records: list[Any]) -> None:
    """A failure after the answer began: no complete answer, so that nobody takes it for whole."""

    async def export() -> AsyncIterator[Any]:
        yield []
        raise Unavailable("The disk failed.")

    async with inside(tmp_path, change=with_service(export=export)) as app:
        call = Call(app.app, "GET", f"{PROFILES}/export")
        assert (await call.start())[0] == 200
        await call.end()
        assert call.task.exception() is not None
        while not call.silent:
            assert (await call.next()).get("more_body") is True
        labels = {"method": "GET", "route": f"{PROFILES}/export", "status": "200"}
        assert app.metric("http_requests_total", **labels) == 1
        assert app.metric("http_requests_in_flight") == 0


def with_check(name: str, check: Callable[[], Awaitable[str]]) -> Change:
    def change(parts: Parts) -> Parts:
        if name == "database":
            return replace(parts, checks=replace(parts.checks, database=check))
        others = {**parts.checks.others, name: check}
        return replace(parts, checks=replace(parts.checks, others=others))

    return change


async def never() -> str:
    await asyncio.sleep(60)
    return "late"


COMPONENTS = ("database", "cache", "queue", "blobs")


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("check", [raising(Unavailable("It is gone.")), never])
async def test_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, check: Callable[[], Awaitable[str]]
) -> None:
    """Without the database unhealthy and not ready; without another part degraded, and ready."""
    monkeypatch.setattr(system, "CHECK_TIMEOUT", 0.3)
    async with inside(tmp_path, change=with_check(name, check)) as app:
        # To be put together may take longer than the log counts as followed, and nothing tells.
        while not app.parts.feed.current:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        response = await app.client.get("/health")
        body = response.json()
        lost = "unhealthy" if name == "database" else "degraded"
        assert response.status_code == (503 if name == "database" else 200)
        assert body["status"] == lost
        states = {part: value["status"] for part, value in body["components"].items()}
        assert states == dict.fromkeys(COMPONENTS, "healthy") | {name: lost}
        detail = body["components"][name]["detail"]
        assert detail == ("no answer within 0.3 s" if check is never else "It is gone.")
        ready = await app.client.get("/health/ready")
        assert ready.status_code == (503 if name == "database" else 200)
        expected = f"database: {detail}" if name == "database" else ""
        assert ready.json()["detail"] == expected
        assert (await app.client.get("/health/live")).status_code == 200


async def test_a_broken_check_is_told(tmp_path: Path) -> None:
    """A check that fails in a way that nobody foresaw is a 500 for health, and never for live."""
    broken = with_check("cache", raising(RuntimeError(SECRET)))
    async with inside(tmp_path, change=broken) as app:
        problem(await app.client.get("/health"), 500, "internal")
        assert (await app.client.get("/health/live")).status_code == 200


async def test_ready_while_starting_and_draining(tmp_path: Path) -> None:
    """Ready is 503 until started, and while draining; live is 200 throughout."""
    async with inside(tmp_path) as app:
        app.parts.lifecycle.started = False
        ready = await app.client.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, "starting")
        app.parts.lifecycle.started = True
        assert (await app.client.get("/health/ready")).status_code == 200
        app.parts.lifecycle.drain()
        ready = await app.client.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, "draining")
        assert (await app.client.get("/health/live")).status_code == 200


async def test_cache_is_degraded_where_the_log_is_not_followed(tmp_path: Path) -> None:
    """A log that cannot be followed costs speed: reads go to the database, and health says so."""
    async with inside(tmp_path) as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        path = f"{PROFILES}/{made['id']}"
        assert (await app.client.get(path)).json()["source"] == "cache"
        stop_following(app)
        await asyncio.sleep(1.1)
        assert (await app.client.get(path)).json() == {"profile": made, "source": "database"}
        health = (await app.client.get("/health")).json()
        assert health["status"] == health["components"]["cache"]["status"] == "degraded"
        assert (await app.client.get("/health/ready")).status_code == 200
        assert json.dumps(health).count("the log cannot be followed") == 1


def stop_following(app: Inside) -> None:
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "feed"]
    task.cancel()
