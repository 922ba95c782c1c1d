"""The HTTP application in this process, its parts within reach."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from profilecore.entrypoints.http import create_app
from profilecore.entrypoints.http.edge import AsgiApp, Edge
from profilecore.entrypoints.opening import opened
from profilecore.entrypoints.parts import Parts
from profilecore.entrypoints.settings import Settings

WAIT_MAX = 10.0

Change = Callable[[Parts], Parts]


@dataclass(frozen=True)
class Inside:
    """The application, what it stands on, and a client."""

    app: Edge
    parts: Parts
    client: httpx.AsyncClient

    def metric(self, name: str, **labels: str) -> float:
        return self.parts.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def inside(
    folder: Path, *, change: Change = lambda parts: parts, **variables: str
) -> AsyncIterator[Inside]:
    """Open the application with memory alone, or with what the variables say."""
    given = {"DATABASE": "memory", "DATA_DIR": str(folder)} | variables
    async with opened(Settings.read("dev", given)) as original:
        parts = change(original)
        parts.lifecycle.started = True
        await asyncio.sleep(0.02)  # by then all has begun that goes on beside the requests
        app = create_app(parts)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Inside(app, parts, client)


def with_service(**doubles: Any) -> Change:
    """Put other methods in the place of the service's."""

    def change(parts: Parts) -> Parts:
        for name, double in doubles.items():
            setattr(parts.service, name, double)
        return parts

    return change


def with_policy(**values: Any) -> Change:
    return lambda parts: replace(parts, policy=replace(parts.policy, **values))


def raising(error: Exception) -> Callable[..., Any]:
    """A method of the service that fails."""

    async def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


class Call:
    """One request, message by message, as a server makes it."""

    def __init__(
        self, app: AsgiApp, method: str, path: str, headers: dict[str, str] | None = None
    ) -> None:
        path, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        self._given: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(self._run(app))

    async def _run(self, app: AsgiApp) -> None:
        await app(self.scope, self._given.get, self._send)

    async def _send(self, message: dict[str, Any]) -> None:
        self._sent.put_nowait(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.hang_up()  # as servers do: there is nothing more to come from the client

    def give(self, body: bytes, *, more: bool = False) -> None:
        self._given.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def hang_up(self) -> None:
        self._given.put_nowait({"type": "http.disconnect"})

    async def next(self) -> dict[str, Any]:
        """The next message of the answer."""
        async with asyncio.timeout(WAIT_MAX):
            return await self._sent.get()

    async def start(self) -> tuple[int, dict[str, str]]:
        """Status and headers."""
        message = await self.next()
        assert message["type"] == "http.response.start"
        return message["status"], {k.decode(): v.decode() for k, v in message["headers"]}

    async def chunk(self) -> bytes:
        """The next part of the body that is not empty; nothing at its end."""
        while True:
            message = await self.next()
            assert message["type"] == "http.response.body"
            if message["body"] or not message.get("more_body", False):
                body: bytes = message["body"]
                return body

    async def answer(self) -> httpx.Response:
        """The whole answer."""
        status, headers = await self.start()
        body = b""
        while True:
            message = await self.next()
            body += message["body"]
            if not message.get("more_body", False):
                return httpx.Response(status, headers=headers, content=body)

    async def end(self) -> None:
        """Wait until the application is done with it."""
        async with asyncio.timeout(WAIT_MAX):
            await asyncio.wait({self.task})

    async def nothing_left(self, before: set["asyncio.Task[Any]"]) -> None:
        """Wait until no task runs that did not run before."""
        async with asyncio.timeout(WAIT_MAX):
            while new := {task for task in asyncio.all_tasks() if not task.done()} - before:
                await asyncio.wait(new)

    @property
    def silent(self) -> bool:
        """Whether nothing was sent that was not taken yet."""
        return self._sent.empty()
