"""The outermost layer: what holds for every request, also for those that no route takes."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec
from loguru import logger

from profilecore.entrypoints.http.problems import MEDIA_TYPE, Problem, Refusal
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.telemetry import HttpMetrics, request_id
from profilecore.errors import Invalid, Unavailable

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

GONE = 499  # until an answer begins: the client went away (as nginx logs it)
_VISIBLE = re.compile(rb"[\x21-\x7e]{1,128}")


class Edge:
    """Gives each request its id, its bound in time, its log line and its place in the metrics.

    `body_timeout` is how many seconds a body may take to arrive.
    """

    def __init__(
        self, app: AsgiApp, metrics: HttpMetrics, lifecycle: Lifecycle, *, body_timeout: float
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _request_id(scope)
        token = request_id.set(name)
        began = time.perf_counter()
        body = _Body(receive, self._lifecycle, _has_body(scope), began + self._body_timeout)
        exchange = _Exchange(scope, body, send, name.encode())
        self._metrics.began()
        try:
            await self._app(exchange.scope, body.receive, exchange.send)
        except asyncio.CancelledError:  # by a stop that has waited for long enough
            await exchange.cut_off()
        finally:
            self._record(exchange, time.perf_counter() - began)
            request_id.reset(token)

    def _record(self, exchange: "_Exchange", seconds: float) -> None:
        scope = exchange.scope
        route = str(scope.get("path_template") or "unmatched")
        self._metrics.ended(exchange.method, route, exchange.status, seconds)
        # The query is left out: it may hold an email.
        logger.bind(
            method=exchange.method,
            path=scope["path"],
            status=exchange.status,
            duration_ms=round(seconds * 1000, 2),
        ).info("{} {} {}", exchange.method, scope["path"], exchange.status)


class _Body:
    """A request's body on its way in, which has to have arrived by `deadline`."""

    def __init__(
        self, receive: Receive, lifecycle: Lifecycle, expected: bool, deadline: float
    ) -> None:
        self._receive = receive
        self._lifecycle = lifecycle
        self._deadline = deadline
        self.ended = not expected
        self.gone = False

    async def receive(self) -> Message:
        if self.ended:
            return await self._receive()
        try:
            async with self._lifecycle.waiting(self._deadline - time.perf_counter()):
                message = await self._receive()
        except TimeoutError as error:
            if self._lifecycle.draining:
                detail = "The service is stopping, and the body did not arrive in time."
                raise Unavailable(detail) from error
            detail = "The body did not arrive in time; send it again, faster."
            raise Refusal(detail, code="request_timeout") from error
        if message["type"] == "http.disconnect":
            self.gone = True  # whoever reads on would take it for an error of this service
            raise Invalid("The client went away before its body was complete.", code="malformed")
        self.ended = not message.get("more_body", False)
        return message


class _Exchange:
    """One request and its answer, as the layers within see them."""

    def __init__(self, scope: Scope, body: _Body, send: Send, request_id: bytes) -> None:
        self.method: str = scope["method"]
        self.status = GONE
        self._body = body
        self._send = send
        self._request_id = request_id
        # A HEAD is a GET whose body is not sent, so that no route has to be written twice.
        # The server keeps a scope of its own: it has to know that no body follows the headers.
        self._headless = self.method == "HEAD"
        self.scope = {**scope, "method": "GET"} if self._headless else scope

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = GONE if self._body.gone else message["status"]
            headers = list(message.get("headers", []))
            names = {name.lower() for name, _ in headers}
            headers.append((b"x-request-id", self._request_id))
            headers.append((b"x-content-type-options", b"nosniff"))
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            if not self._body.ended:
                headers.append((b"connection", b"close"))  # nobody reads the rest of the body
            message["headers"] = headers
            await self._send(message)
            if self._headless:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._headless:
            await self._send(message)

    async def cut_off(self) -> None:
        """Answer, if that has not begun, that there will be no other answer."""
        if self.status != GONE:
            return
        error = Unavailable("The service is stopping, and cannot answer any more.")
        problem = Problem.of(error, self.scope["path"])
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"retry-after", str(error.retry_after).encode()),
        ]
        start = {"type": "http.response.start", "status": problem.status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": msgspec.json.encode(problem)})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _VISIBLE.fullmatch(value):
            return str(value, "ascii")
    return uuid4().hex


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
