"""The outermost layer: what holds for every request, also for those that no route takes."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec
from loguru import logger

from profilecore.entrypoints.http.limits import HEADERS
from profilecore.entrypoints.http.load import SPARED, STREAMED, Bodies, Load, Share, Work
from profilecore.entrypoints.http.problems import MEDIA_TYPE, Problem, Refusal
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.telemetry import HttpMetrics, request_id
from profilecore.errors import Invalid, Unavailable

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

# No X-Frame-Options: frame-ancestors says the same to every browser that is still in use.
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_UNLESS_SET = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CLOSE = (b"connection", b"close")  # nobody reads the rest of the body

GONE = 499  # until an answer begins: the client went away (as nginx logs it)
_VISIBLE = re.compile(rb"[\x21-\x7e]{1,128}")


class Edge:
    """Gives each request its id, its bound in time, its log line and its place in the metrics.

    `body_timeout` is how many seconds a body may take to arrive. Where there is no room for more
    work it refuses, before anything is done, but for health and what comes in by `spared_port`.
    """

    def __init__(
        self,
        app: AsgiApp,
        metrics: HttpMetrics,
        lifecycle: Lifecycle,
        load: Load,
        *,
        body_timeout: float,
        refused: Callable[[], None] = lambda: None,
        spared_port: int | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._load = load
        self._bodies = Bodies()
        self._body_timeout = body_timeout
        self._refused = refused
        self._spared_port = spared_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._load.full and not self._is_spared(scope, scope["path"]):
            for message in self._refusal(scope, scope["path"]):
                await send(message)
            return
        name = _request_id(scope)
        token = request_id.set(name)
        began = time.perf_counter()
        work, share = Work(self._load), Share(self._bodies)
        deadline = began + self._body_timeout
        body = _Body(scope, receive, self._lifecycle, work, share, deadline)
        exchange = _Exchange(scope, body, work, send, name.encode())
        self._metrics.began()
        try:
            await self._app(exchange.scope, body.receive, exchange.send)
        except asyncio.CancelledError:  # by a stop that has waited for long enough
            await exchange.cut_off()
        finally:
            work.end()
            share.end()
            self._record(exchange, time.perf_counter() - began)
            request_id.reset(token)

    def turned_away(self, scope: Scope, path: str) -> tuple[Message, Message] | None:
        """The answer to what there is no room for, before anything is made of it; None for room.

        There may be many of these, and each has to cost little.
        """
        if self._load.enter() or self._is_spared(scope, path):
            return None
        return self._refusal(scope, path)

    def _is_spared(self, scope: Scope, path: str) -> bool:
        if path.startswith(SPARED):
            return True
        return self._spared_port is not None and scope["server"][1] == self._spared_port

    def _refusal(self, scope: Scope, path: str) -> tuple[Message, Message]:
        self._refused()
        error, name = self._load.overloaded(), _request_id(scope)
        problem = Problem.of(error, path)
        problem.request_id = name
        self._metrics.refused(scope["method"], problem.status)
        start, body = _answer(error, problem)
        start["headers"] += ((b"x-request-id", name.encode()), *_ALWAYS, *_UNLESS_SET)
        if has_body(scope):
            start["headers"].append(_CLOSE)
        return start, body

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
        self,
        scope: Scope,
        receive: Receive,
        lifecycle: Lifecycle,
        work: Work,
        share: Share,
        deadline: float,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._lifecycle = lifecycle
        self._work = work
        self._share = share
        self._deadline = deadline
        self.ended = not has_body(scope)
        self.gone = False

    async def receive(self) -> Message:
        if self.ended:
            return await self._from_client()
        try:
            async with self._lifecycle.waiting(self._deadline - time.perf_counter()):
                message = await self._from_client()
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
        if not self._is_streamed():
            self._share.add(len(message.get("body", b"")))
        if self.ended:
            self._work.check()
        return message

    def _is_streamed(self) -> bool:
        handler = self._scope.get("route_handler")  # the router has put it there by now
        return handler is not None and STREAMED in handler.opt

    async def _from_client(self) -> Message:
        self._work.pause()
        try:
            return await self._receive()
        finally:
            self._work.resume()


class _Exchange:
    """One request and its answer, as the layers within see them."""

    def __init__(
        self, scope: Scope, body: _Body, work: Work, send: Send, request_id: bytes
    ) -> None:
        self.method: str = scope["method"]
        self.status = GONE
        self._body = body
        self._work = work
        self._send = send
        self._request_id = request_id
        # A HEAD is a GET whose body is not sent, so that no route has to be written twice.
        # The server keeps a scope of its own: it has to know that no body follows the headers.
        self._headless = self.method == "HEAD"
        self.scope = {**scope, "method": "GET"} if self._headless else scope

    async def send(self, message: Message) -> None:
        self._work.pause()
        try:
            await self._pass_on(message)
        finally:
            self._work.resume()

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = GONE if self._body.gone else message["status"]
            headers = list(message.get("headers", []))
            names = {name.lower() for name, _ in headers}
            headers += ((b"x-request-id", self._request_id), *_ALWAYS)
            headers += self.scope.get(HEADERS, ())
            headers += [header for header in _UNLESS_SET if header[0] not in names]
            if not self._body.ended:
                headers.append(_CLOSE)
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
        for message in _answer(error, Problem.of(error, self.scope["path"])):
            await self.send(message)


def _answer(error: Unavailable, problem: Problem) -> tuple[Message, Message]:
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % error.retry_after),
    ]
    start = {"type": "http.response.start", "status": problem.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _VISIBLE.fullmatch(value):
            return str(value, "ascii")
    return uuid4().hex


def has_body(scope: Scope) -> bool:
    """Whether a request says that there is more than its head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
