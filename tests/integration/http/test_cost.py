"""What a read of one profile costs beside a route of Litestar that returns a constant.

The ratios are those that were measured when they were last improved; one that grows by 15 % is a
regression, and one that is as much smaller is to be written down here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import uvloop
from litestar import Litestar, get

from profilecore.access import Scope
from profilecore.entrypoints.parts import Parts
from profilecore.entrypoints.protocol import Protocol
from profilecore.entrypoints.telemetry import logs
from profilecore.entrypoints.telemetry.request_log import JsonLines, RequestLog
from profilecore.entrypoints.telemetry.writer import Line
from profilecore.service import now
from profilecore.token import issued
from tests.support.counted import garbage, steps
from tests.support.http import PROFILES
from tests.support.inside import inside
from tests.support.tasks import SUBMIT

MORE_MAX: Final = 0.15
COSTS: Final = {"read": 0.64, "list": 1.96, "submit": 3.27}


@get("/", sync_to_thread=False)
def constant() -> dict[str, str]:
    return {"hello": "world"}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each request, which nobody writes."""
    lines: list[Line] = []
    monkeypatch.setattr(logs, "_requests", RequestLog(JsonLines(lines.append, str).put))


@pytest.mark.usefixtures("logged")
def test_it_does_not_grow(tmp_path: Path) -> None:
    """With metrics, a request id, an ETag, a log line and a token that is looked at."""

    async def measured() -> dict[str, float]:
        """How many steps are taken for one of each, for one of the route that does nothing."""
        bare = Litestar([constant], openapi_config=None)
        nothing = await steps(bare, [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
        async with asked(tmp_path) as (app, protocol, requests):
            return {what: await steps(app, [requests[what]], protocol) / nothing for what in COSTS}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measured())
    print({what: f"{ratio:.3f}" for what, ratio in found.items()})
    assert found == pytest.approx(COSTS, rel=MORE_MAX)


@pytest.mark.usefixtures("logged")
def test_it_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """A ring of objects for each request is a pause of all requests, again and again."""

    async def measured() -> dict[str, float]:
        async with asked(tmp_path) as (app, protocol, requests):
            return {
                what: await garbage(app, [request], protocol) for what, request in requests.items()
            }

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measured())
    print(found)
    assert max(found.values()) < 3


@asynccontextmanager
async def asked(folder: Path) -> AsyncIterator[tuple[Any, Any, dict[str, bytes]]]:
    """The application, its protocol, and a request of each kind."""
    async with inside(folder, change=_same, AUTH_MODE="token") as app:
        made = issued("t", frozenset(Scope), subject=None, at=now(), expires_at=None)
        await app.parts.tokens.add(made.token)
        profile = {"name": "Ada", "email": "ada@example.com", "bio": "x" * 200}
        written = await app.parts.service.create(profile, actor=None)
        task = '{"type":"echo","payload":{"hello":"world"},"delay":"30d"}'
        lines = {
            "read": (f"GET {PROFILES}/{written.profile.id}", ""),
            "list": (f"GET {PROFILES}?limit=1", ""),
            "submit": (f"POST {SUBMIT}", task),
            "not there": (f"GET {PROFILES}/{UUID(int=1)}", ""),
            "nowhere": ("GET /nowhere", ""),
            "not valid": (f"POST {PROFILES}", "{}"),
        }
        head = f"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {made.text}\r\n"
        requests = {}
        for what, (line, body) in lines.items():
            size = f"Content-Length: {len(body)}\r\n" if body else ""
            text = f"{line} {head}{size}Content-Type: application/json\r\n\r\n{body}"
            requests[what] = text.encode()
        yield (
            app.app,
            partial(Protocol, app.app, head_timeout=10.0, stall_timeout=10.0),
            requests,
        )


def _same(parts: Parts) -> Parts:
    return parts
