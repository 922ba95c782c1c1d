"""The outermost layer: bounds on clients, what a stop does to them, and what is counted."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profilecore.entrypoints.http.edge import Edge
from profilecore.entrypoints.http.load import Load
from profilecore.entrypoints.lifecycle import Lifecycle
from tests.support.http import PROFILES, path_of, person, problem
from tests.support.inside import Call, Inside, inside, with_service

BODY = {"Content-Type": "application/json", "Content-Length": "50"}
CHUNKED = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
ANY = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"


async def total(app: Inside, method: str, route: str, status: int) -> float:
    return app.metric("http_requests_total", method=method, route=route, status=str(status))


@pytest.mark.parametrize("headers", [BODY, CHUNKED])
async def test_body_timeout(tmp_path: Path, headers: dict[str, str]) -> None:
    """A body that does not arrive in time is a 408, however it was announced."""
    async with inside(tmp_path, BODY_TIMEOUT="50ms") as app:
        call = Call(app.app, "POST", PROFILES, headers)
        call.give(b'{"na', more=True)
        response = await call.answer()
        problem(response, 408, "request_timeout")
        assert response.headers["connection"] == "close"
        assert await total(app, "POST", PROFILES, 408) == 1


async def test_a_stop_cuts_the_wait_for_a_body_short(tmp_path: Path) -> None:
    """A client that stalls its body cannot hold up a stop; one that is quick enough is answered."""

    def impatient(parts: Any) -> Any:
        return replace(parts, lifecycle=Lifecycle(grace=0.1))

    async with inside(tmp_path, change=impatient) as app:
        stalled = Call(app.app, "POST", PROFILES, BODY)
        stalled.give(b"{", more=True)
        quick = Call(app.app, "POST", PROFILES, BODY)
        quick.give(b"", more=True)
        await asyncio.sleep(0.05)
        app.parts.lifecycle.drain()
        quick.give(json.dumps(person()).encode())
        assert (await quick.answer()).status_code == 201
        response = await stalled.answer()
        problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "1"
        late = Call(app.app, "POST", PROFILES, BODY)
        problem(await late.answer(), 503, "unavailable")


async def test_a_wait_that_would_end_sooner_stays_so(tmp_path: Path) -> None:
    """A stop gives nobody more time than there was."""

    def patient(parts: Any) -> Any:
        return replace(parts, lifecycle=Lifecycle(grace=60))

    async with inside(tmp_path, change=patient, BODY_TIMEOUT="100ms") as app:
        call = Call(app.app, "POST", PROFILES, BODY)
        await asyncio.sleep(0.01)
        app.parts.lifecycle.drain()
        problem(await call.answer(), 503, "unavailable")


async def test_a_client_that_goes_away(tmp_path: Path) -> None:
    """A client that goes away before its body is complete is no server error: 499."""
    async with inside(tmp_path) as app:
        call = Call(app.app, "POST", PROFILES, BODY)
        call.give(b"{", more=True)
        call.hang_up()
        await call.end()
        assert call.task.exception() is None
        assert await total(app, "POST", PROFILES, 499) == 1
        assert await total(app, "POST", PROFILES, 500) == 0
        assert app.metric("http_requests_in_flight") == 0


async def test_a_request_that_is_cut_off(tmp_path: Path) -> None:
    """A stop that has waited long enough cancels: 503, if nothing has been answered yet."""
    began = asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        began.set()
        await asyncio.sleep(60)

    async with inside(tmp_path, change=with_service(read=slow)) as app:
        call = Call(app.app, "GET", ANY, {"X-Request-ID": "cut"})
        await began.wait()
        call.task.cancel()
        response = await call.answer()
        assert problem(response, 503, "unavailable")["request_id"] == "cut"
        assert response.headers["retry-after"] == "1"
        await call.end()
        assert call.task.exception() is None
        assert await total(app, "GET", f"{PROFILES}/{{profile_id}}", 503) == 1


async def test_a_stream_that_is_cut_off(tmp_path: Path) -> None:
    """Cut off in the middle of an answer: it does not go on, and does not pretend to be whole."""
    async with inside(tmp_path) as app:
        call = Call(app.app, "GET", "/api/v1/events")
        assert (await call.start())[0] == 200
        await call.chunk()
        call.task.cancel()
        await call.end()
        assert call.task.exception() is None
        assert call.silent


async def test_head_ends_a_stream(tmp_path: Path) -> None:
    """HEAD of a stream is done with at once; nothing goes on behind it."""
    async with inside(tmp_path) as app:
        before = asyncio.all_tasks()
        call = Call(app.app, "HEAD", "/api/v1/events")
        response = await call.answer()
        assert (response.status_code, response.content) == (200, b"")
        await call.end()
        assert call.task.exception() is None
        assert call.silent
        assert call.scope["method"] == "HEAD", "the server's own scope is left as it was"
        await call.nothing_left(before)
        assert await total(app, "HEAD", "/api/v1/events", 200) == 1


async def test_an_answer_before_the_body_closes_the_connection(tmp_path: Path) -> None:
    """Where nobody reads the rest of a body, no other request can follow it."""
    async with inside(tmp_path) as app:
        early = Call(app.app, "POST", PROFILES, BODY | {"Content-Length": "10000000"})
        early.give(b"{", more=True)
        response = await early.answer()
        problem(response, 413, "too_large")
        assert response.headers["connection"] == "close"
        whole = await app.client.post(PROFILES, json=person())
        assert "connection" not in whole.headers
        bare = Call(app.app, "GET", "/health/live", {"Content-Length": "0"})
        bare.give(b"")
        assert "connection" not in (await bare.answer()).headers


async def test_the_size_of_a_body_that_does_not_tell(tmp_path: Path) -> None:
    """The limit holds for a chunked body, too."""
    async with inside(tmp_path) as app:
        call = Call(app.app, "POST", PROFILES, CHUNKED)
        for _ in range(6):
            call.give(b" " * 50_000, more=True)
        problem(await call.answer(), 413, "too_large")


async def test_what_is_not_http_goes_through() -> None:
    """Another kind of connection is the application's to take or to refuse."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    edge = Edge(app, None, Lifecycle(), Load(1), body_timeout=1)  # type: ignore[arg-type]
    await edge({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_headers_of_every_answer(tmp_path: Path) -> None:
    """Request id, a word on caching and what a browser may do are on answers of every kind."""
    async with inside(tmp_path) as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        paths = ["/health/live", "/nowhere", PROFILES, path_of(made), "/docs", "/metrics"]
        for path in paths:
            response = await app.client.get(path)
            assert response.headers["x-request-id"]
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"
            assert len(response.headers.get_list("cache-control")) == 1
            assert response.headers.get_list("cross-origin-resource-policy") == ["same-origin"]
            (policy,) = response.headers.get_list("content-security-policy")
            assert policy.startswith("default-src 'none'; ")
            assert policy.endswith("frame-ancestors 'none'")
            assert ("script-src 'self'" in policy) is (path == "/docs")
            assert "unsafe" not in policy


async def test_no_other_site_reads_an_answer(tmp_path: Path) -> None:
    """CORS is closed: a browser gives no answer to a page of another origin."""
    asking = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    async with inside(tmp_path) as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        for method in ("OPTIONS", "GET", "PUT", "DELETE"):
            for path in ("/health", "/nowhere", PROFILES, path_of(made), f"{path_of(made)}/avatar"):
                response = await app.client.request(method, path, headers=asking)
                names = {name.lower() for name in response.headers}
                assert not [name for name in names if name.startswith("access-control-")]


async def test_a_policy_of_a_route_s_own_is_the_only_one(tmp_path: Path) -> None:
    """An avatar may be shown by other sites, and nothing in it may run."""
    async with inside(tmp_path) as app:
        made = (await app.client.post(PROFILES, json=person())).json()
        response = await app.client.get(f"{path_of(made)}/avatar")
        assert response.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
        assert response.headers.get_list("content-security-policy") == [
            "default-src 'none'; sandbox"
        ]


async def test_many_at_once(tmp_path: Path) -> None:
    """Each of many requests at once has its own id in its own answer."""
    async with inside(tmp_path) as app:

        async def one(number: int) -> bool:
            response = await app.client.get("/nowhere", headers={"X-Request-ID": f"r{number}"})
            return bool(response.json()["request_id"] == f"r{number}")

        assert all(await asyncio.gather(*(one(number) for number in range(50))))
        assert app.metric("http_requests_in_flight") == 0
