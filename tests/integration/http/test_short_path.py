"""A read by the short path is answered as by its route: status, headers in order, bytes."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from profilecore.access import Scope
from profilecore.entrypoints.http import create_app
from profilecore.entrypoints.http.edge import AsgiApp
from profilecore.entrypoints.http.short_path import ShortPath
from profilecore.entrypoints.parts import Parts
from profilecore.entrypoints.policy import Budget
from profilecore.errors import Unavailable
from profilecore.limits import Rate, Verdict
from profilecore.profile import Profile
from profilecore.token import issued
from tests.support.http import PROFILES, created, path_of
from tests.support.inside import Call, Inside, inside, raising, with_service
from tests.support.processes import Server
from tests.support.sockets import Wire, response

NAMED: Final = {"host": "localhost", "x-request-id": "same"}


@dataclass(frozen=True)
class Raw:
    """An answer as the server gets it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def raw(app: AsgiApp, method: str, path: str, headers: Mapping[str, str]) -> Raw:
    call = Call(app, method, path, dict(headers))
    start, body = await call.next(), b""
    while True:
        message = await call.next()
        body += message["body"]
        if not message.get("more_body", False):
            break
    await call.end()
    return Raw(start["status"], list(start["headers"]), body)


class Both:
    """The application with the short path and without it, on the same parts."""

    def __init__(self, app: Inside) -> None:
        self.parts = app.parts
        self._shortly = create_app(app.parts)
        self._at_length = create_app(app.parts, short=False)

    async def alike(self, method: str, path: str, **headers: str) -> Raw:
        """What both answer. The store is asked by neither before the other."""
        sent = NAMED | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = Call(_nowhere, method, path, sent).scope
        assert self._shortly.takes_briefly(scope), path
        shortly = await raw(self._shortly, method, path, sent)
        assert shortly == await raw(self._at_length, method, path, sent)
        return shortly

    async def profile(self, **values: Any) -> Profile:
        given = {"name": "Ada", "email": f"{uuid4()}@example.com"} | values
        written = await self.parts.service.create(given, actor=values.get("owner"))
        return written.profile


async def _nowhere(*_: object) -> None:
    pass


def at(profile: Profile) -> str:
    return f"{PROFILES}/{profile.id}"


METHODS = pytest.mark.parametrize("method", ["GET", "HEAD"])


@METHODS
async def test_what_is_there(tmp_path: Path, method: str) -> None:
    urls = ["https://example.com/a?b=c", "http://[::1]:80/é"]
    async with inside(tmp_path) as app:
        both = Both(app)
        for values in ({}, {"name": "名前 \u202e \"'\\", "bio": "é\n\t" * 400, "image_urls": urls}):
            profile = await both.profile(**values)
            found = await both.alike(method, at(profile))
            assert (found.status, found.body == b"") == (200, method == "HEAD")
            assert dict(found.headers)[b"x-cache"] == b"hit"


@METHODS
@pytest.mark.parametrize("tag", ['"v1"', 'W/"v1"', "*", '"v0", "v1"', '"v2"', "v1", "nonsense", ""])
async def test_what_is_known(tmp_path: Path, method: str, tag: str) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        found = await both.alike(method, at(await both.profile()), if_none_match=tag)
        assert found.status in (200, 304)


@METHODS
async def test_what_is_not_there(tmp_path: Path, method: str) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        gone = await both.profile()
        await both.parts.service.remove(gone.id, expected=None, actor=None)
        for path in (at(gone), f"{PROFILES}/{uuid4()}"):
            assert (await both.alike(method, path)).status == 404


async def test_from_the_store(tmp_path: Path) -> None:
    async with inside(tmp_path, CACHE="noop") as app:
        both = Both(app)
        found = await both.alike("GET", at(await both.profile()))
        assert dict(found.headers)[b"x-cache"] == b"miss"


@pytest.mark.parametrize("token", ["p0", "p1", "p999", "nonsense", "p-1", ""])
async def test_consistency_tokens(tmp_path: Path, token: str) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        found = await both.alike("GET", at(await both.profile()), x_consistency_token=token)
        assert found.status == (200 if token in ("p0", "p1", "p999") else 400)


@pytest.mark.parametrize("name", ["traceparent", "baggage", "accept", "cookie", "x-odd"])
async def test_headers_that_say_nothing_to_it(tmp_path: Path, name: str) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        found = await both.alike("GET", at(await both.profile()), **{name: "text/html; é=1"})
        assert found.status == 200


async def test_in_fallback(tmp_path: Path) -> None:
    def change(parts: Parts) -> Parts:
        return replace(parts, in_fallback=lambda: True)

    async with inside(tmp_path, change=change) as app:
        both = Both(app)
        found = await both.alike("GET", at(await both.profile()))
        assert dict(found.headers)[b"x-cache"] == b"fallback"


@pytest.mark.parametrize(
    ("error", "status"), [(Unavailable("It is away.", retry_after=7), 503), (KeyError("x"), 500)]
)
async def test_errors(tmp_path: Path, error: Exception, status: int) -> None:
    async with inside(tmp_path, change=with_service(read=raising(error))) as app:
        both = Both(app)
        assert (await both.alike("GET", f"{PROFILES}/{uuid4()}")).status == status


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8080", "a.localhost"])
async def test_neighbours(tmp_path: Path, host: str) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        found = await both.alike("GET", at(await both.profile()), host=host)
        assert found.status == (403 if "evil" in host else 200)
        found = await both.alike("GET", at(await both.profile()), origin=f"http://{host}")
        assert found.status == (403 if "evil" in host else 200)


async def test_callers(tmp_path: Path) -> None:
    """Nobody, no token of ours, ended, without the scope, an owner, another one, with the scope."""
    async with inside(tmp_path, AUTH_MODE="token") as app:
        both = Both(app)
        now = datetime.now(UTC)

        async def token(*scopes: Scope, subject: str = "me", age: int = 0) -> str:
            ends = now - timedelta(seconds=age) + timedelta(hours=1)
            made = issued(
                "t",
                frozenset(scopes),
                subject=subject,
                at=now - timedelta(seconds=age),
                expires_at=ends,
            )
            await both.parts.tokens.add(made.token)
            return f"Bearer {made.text}"

        mine = at(await both.profile(owner="me"))
        shown = {
            "": 401,
            "Bearer nonsense": 401,
            "Basic abc": 401,
            f"Bearer pct_{'0' * 32}_{'A' * 43}": 401,
            await token(Scope.PROFILES_READ, age=7_200): 401,
            await token(Scope.TASKS_READ): 200,
            await token(Scope.TASKS_READ, subject="other"): 404,
            await token(Scope.PROFILES_READ, subject="other"): 200,
        }
        for credential, status in shown.items():
            assert (await both.alike("GET", mine, authorization=credential)).status == status
        assert (await both.alike("GET", mine)).status == 401


async def test_limits(tmp_path: Path) -> None:
    """What is left of a budget, and a refusal, with a limiter that always says the same."""

    class Says:
        def __init__(self, verdict: Verdict) -> None:
            self.verdict = verdict

        async def take(self, key: str, rate: Rate) -> Verdict:
            return self.verdict

    for verdict, status in ((Verdict(True, 7, 2.0), 200), (Verdict(False, 0, 3.5), 429)):

        def change(parts: Parts, verdict: Verdict = verdict) -> Parts:
            rates = {Budget.READS: Rate(10, 60, 10)}
            return replace(parts, limiter=Says(verdict), bounds=replace(parts.bounds, rates=rates))

        async with inside(tmp_path, change=change) as app:
            both = Both(app)
            found = await both.alike("GET", at(await both.profile()))
            assert found.status == status
            assert b"ratelimit" in dict(found.headers)


async def test_on_the_port_for_operators(tmp_path: Path) -> None:
    async with inside(tmp_path, OPS_PORT="80") as app:
        both = Both(app)
        assert (await both.alike("GET", at(await both.profile()))).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"method": "OPTIONS"},
        {"path": f"{PROFILES}/nonsense"},
        {"path": f"{PROFILES}/{'0' * 32}"},
        {"path": f"{PROFILES}/{uuid4()}/"},
        {"path": f"{PROFILES}/{str(uuid4()).upper()}"},
        {"path": f"/{PROFILES}/{uuid4()}"},
        {"query_string": b"a=b"},
    ],
)
def test_what_has_to_go_at_length(change: dict[str, Any]) -> None:
    scope = {"method": "GET", "path": f"{PROFILES}/{uuid4()}", "query_string": b""}
    short = ShortPath.__new__(ShortPath)
    assert short.takes(scope)
    assert not short.takes(scope | change)


async def test_one_with_a_body_goes_at_length(tmp_path: Path) -> None:
    """Nobody reads that body here, so that the connection has to end."""
    async with inside(tmp_path) as app:
        both = Both(app)
        path = at(await both.profile())
        found = await raw(both._shortly, "GET", path, NAMED | {"content-length": "3"})
        assert (found.status, dict(found.headers)[b"connection"]) == (200, b"close")


async def test_it_is_counted_and_named_as_its_route(tmp_path: Path) -> None:
    async with inside(tmp_path) as app:
        both = Both(app)
        path = at(await both.profile())
        route = {"method": "GET", "route": f"{PROFILES}/{{profile_id}}", "status": "200"}
        for number in (1, 2, 3):
            await raw(both._shortly if number < 3 else both._at_length, "GET", path, NAMED)
            assert app.metric("http_requests_total", **route) == number
        assert app.metric("http_requests_in_flight") == 0


async def test_a_stop_cuts_it_off(tmp_path: Path) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async with inside(tmp_path, change=with_service(read=never)) as app:
        call = Call(create_app(app.parts), "GET", f"{PROFILES}/{uuid4()}", dict(NAMED))
        await asyncio.sleep(0.05)
        call.task.cancel()
        response = await call.answer()
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")


def in_order(raw: bytes, methods: Iterable[str]) -> Iterator[httpx.Response]:
    """The answers that stand one after the other."""
    for method in methods:
        head, _, raw = raw.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        length = 0 if method == "HEAD" else length
        yield response(head + b"\r\n\r\n" + raw[:length])
        raw = raw[length:]
    assert not raw


def test_on_the_wire(tmp_path: Path) -> None:
    """Several in one piece, a HEAD, a last one: answered in order, and then closed."""
    with Server(tmp_path) as server, server.client() as client:
        profile = created(client)
        lines = (f"GET {path_of(profile)} HTTP/1.1", "Host: localhost", "X-Request-ID: same", "")
        one = "\r\n".join(lines).encode()
        with Wire(server) as wire:
            wire.send((one + b"\r\n") * 3 + one.replace(b"GET", b"HEAD") + b"\r\n")
            wire.send(one + b"Connection: close\r\n\r\n")
            found = list(in_order(wire.rest(), ["GET", "GET", "GET", "HEAD", "GET"]))
    assert [response.status_code for response in found] == [200] * 5
    assert [response.content != b"" for response in found] == [True, True, True, False, True]
    assert found[-1].headers["connection"] == "close"
    assert found[0].json()["profile"] == profile
    for other in found[1:4]:
        assert other.headers.items() - {("date", other.headers["date"])} <= found[0].headers.items()
