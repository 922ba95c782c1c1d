"""More to do than can be done: what is refused at once, and what takes no room."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from profilecore.entrypoints.http.load import Load
from profilecore.entrypoints.parts import Parts
from profilecore.errors import NotFound
from tests.support.http import PROFILES, person, problem
from tests.support.inside import Call, Inside, inside
from tests.support.tasks import SUBMIT

ANY = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"
BODY = {"Content-Type": "application/json", "Content-Length": "500"}


class Slow:
    """Reads of one profile that end when they are told to."""

    def __init__(self) -> None:
        self.ends = asyncio.Event()

    async def read(self, *_: object, **__: object) -> Any:
        await self.ends.wait()
        raise NotFound("There is none.")

    def change(self, parts: Parts) -> Parts:
        parts.service.read = self.read  # type: ignore[method-assign]
        return parts


@asynccontextmanager
async def busy(folder: Path, most: int) -> AsyncIterator[tuple[Inside, Slow]]:
    """An application that works on as many requests as it may."""
    slow = Slow()
    async with inside(folder, change=slow.change, REQUESTS_MAX=str(most)) as app:
        calls = [Call(app.app, "GET", ANY) for _ in range(most)]
        await asyncio.sleep(0.05)
        yield app, slow
        slow.ends.set()
        for call in calls:
            assert (await call.answer()).status_code == 404
            await call.end()
        assert (await app.client.get(PROFILES)).status_code == 200, "there is room again"


async def test_one_too_many_is_refused_at_once(tmp_path: Path) -> None:
    async with busy(tmp_path, 2) as (app, _):
        for path in (PROFILES, ANY, "/nowhere", "/docs"):
            answer = await app.client.get(path, headers={"X-Request-ID": "mine"})
            document = problem(answer, 503, "overloaded")
            assert document["instance"] == path
            assert document["request_id"] == "mine"
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
        assert app.metric("http_requests_refused_total") == 4
        labels = {"method": "GET", "route": "unmatched", "status": "503"}
        assert app.metric("http_requests_total", **labels) == 4
        assert app.metric("http_requests_in_flight") == 2


async def test_health_is_always_told(tmp_path: Path) -> None:
    async with busy(tmp_path, 1) as (app, _):
        for path in ("/health", "/health/live", "/health/ready"):
            assert (await app.client.get(path)).status_code == 200


async def test_the_port_of_operators_is_always_open(tmp_path: Path) -> None:
    slow = Slow()

    def change(parts: Parts) -> Parts:
        return replace(slow.change(parts), policy=replace(parts.policy, ops_port=9))

    async with inside(tmp_path, change=change, REQUESTS_MAX="1") as app:
        call = Call(app.app, "GET", ANY)
        await asyncio.sleep(0.05)
        asked = Call(app.app, "GET", "/metrics")
        problem(await asked.answer(), 503, "overloaded")
        scope: dict[str, Any] = {**asked.scope, "server": ("127.0.0.1", 9)}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await app.app(scope, asyncio.Queue[Any]().get, send)
        assert sent[0]["status"] == 200
        slow.ends.set()
        await call.answer()


async def test_a_body_that_nobody_reads_ends_the_connection(tmp_path: Path) -> None:
    async with busy(tmp_path, 1) as (app, _):
        call = Call(app.app, "POST", PROFILES, BODY)
        answer = await call.answer()
        problem(answer, 503, "overloaded")
        assert answer.headers["connection"] == "close"
        assert "connection" not in (await app.client.get(PROFILES)).headers


async def test_who_waits_for_a_client_takes_no_room(tmp_path: Path) -> None:
    """A stream, a long poll and a body on its way, and then one request after another."""
    async with inside(tmp_path, REQUESTS_MAX="1", TASK_CONCURRENCY="0") as app:
        order = {"type": "echo", "payload": {}, "delay": "1h"}
        task = (await app.client.post(SUBMIT, json=order)).headers["location"]
        calls = []
        for _ in range(5):  # one after the other, since there is room for one
            calls.append(Call(app.app, "GET", "/api/v1/events"))
            assert (await calls[-1].start())[0] == 200
            calls.append(Call(app.app, "GET", f"{task}?wait=30"))
            await asyncio.sleep(0.05)
            calls.append(Call(app.app, "POST", PROFILES, BODY))
            calls[-1].give(b"{", more=True)
            await asyncio.sleep(0.05)
        for _ in range(10):
            assert (await app.client.get(PROFILES)).status_code == 200
        for call in calls:
            call.hang_up()
            await call.end()


async def test_who_comes_back_from_a_wait_finds_no_room(tmp_path: Path) -> None:
    """Bodies that arrive all at once are not all worked on, and nothing was done for them."""
    slow = Slow()
    async with inside(tmp_path, change=slow.change, REQUESTS_MAX="1") as app:
        posted = Call(app.app, "POST", PROFILES, BODY)
        posted.give(b"", more=True)
        await asyncio.sleep(0.05)
        call = Call(app.app, "GET", ANY)
        await asyncio.sleep(0.05)
        posted.give(json.dumps(person()).encode())
        answer = await posted.answer()
        problem(answer, 503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        slow.ends.set()
        await call.answer()
        assert (await app.client.get(PROFILES)).json() == []


async def test_a_client_that_takes_its_answer_slowly_takes_no_room(tmp_path: Path) -> None:
    async with inside(tmp_path, REQUESTS_MAX="1") as app:
        taken = asyncio.Event()
        began = asyncio.Event()

        async def send(_: Any) -> None:
            began.set()
            await taken.wait()

        before = Call(app.app, "GET", PROFILES)
        await before.end()

        async def slow() -> None:
            await app.app({**before.scope}, asyncio.Queue[Any]().get, send)

        slowly = asyncio.create_task(slow())
        await began.wait()
        assert (await app.client.get(PROFILES)).status_code == 200
        taken.set()
        await slowly


async def test_who_is_cut_off_leaves_room(tmp_path: Path) -> None:
    slow = Slow()
    async with inside(tmp_path, change=slow.change, REQUESTS_MAX="1") as app:
        for _ in range(3):
            call = Call(app.app, "GET", ANY)
            await asyncio.sleep(0.05)
            call.task.cancel()
            problem(await call.answer(), 503, "unavailable")
            await call.end()
        assert (await app.client.get(PROFILES)).status_code == 200


async def test_those_who_come_in_one_round_of_the_loop_are_counted_before_they_begin() -> None:
    load = Load(3)
    load.working = 1
    assert [load.enter() for _ in range(4)] == [True, True, False, False]
    await asyncio.sleep(0)
    assert load.enter(), "what has come in has begun by then, and is counted by that"
