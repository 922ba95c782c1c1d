"""The outermost layer: what holds for every request, also for those that no route takes."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from profilecore.entrypoints.http.asgi import (
    Answer,
    AsgiScope,
    Receive,
    Send,
    has_body,
    in_lines,
)
from profilecore.entrypoints.http.exchange import CLOSE, GONE, Body, Exchange, completed_lines
from profilecore.entrypoints.http.load import SPARED, Bodies, Load, Share, Work
from profilecore.entrypoints.http.problems import problem_answer
from profilecore.entrypoints.http.refused import Refused
from profilecore.entrypoints.http.short_path import ShortPath
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.resting import Resting
from profilecore.entrypoints.telemetry import HttpMetrics, log_request, request_id
from profilecore.errors import Unavailable

AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

UNMATCHED = "unmatched"
"""What stands for a route where none has taken the request."""
_VISIBLE = re.compile(rb"[\x21-\x7e]{1,128}")


class Edge:
    """Gives each request its id, its bound in time, its log line and its place in the metrics.

    `body_timeout` is how many seconds a body may take to arrive. Where there is no room for more
    work it refuses, before anything is done, but for health and what comes in by `spared_port`.
    What the `short` path takes does not reach the `app`.
    """

    def __init__(
        self,
        app: AsgiApp,
        metrics: HttpMetrics,
        lifecycle: Lifecycle,
        load: Load,
        *,
        body_timeout: float,
        short: ShortPath | None = None,
        spared_port: int | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._load = load
        self._bodies = Bodies()
        self._body_timeout = body_timeout
        self._short = short
        self._spared_port = spared_port
        self._refused = Refused(load.overloaded())
        self.resting = Resting(lambda: load.most - load.working)
        """The connections of those that were turned away."""

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._load.full and not self._is_spared(scope, scope["path"]):
            status, head, body = self._refusal(scope, scope["path"])
            if has_body(scope):
                head += in_lines([CLOSE])
            for message in Answer(status, head, body).messages():
                await send(message)
            return
        if self.takes_briefly(scope) and not has_body(scope):
            answer = await self.briefly(scope)
            start, rest = answer.messages()
            await send(start)
            await send(rest)
            return
        name = _request_id(scope)
        token = request_id.set(name)
        work = Work(self._load)
        self._metrics.began()
        try:
            await self._answer(scope, receive, send, name, work)
        finally:
            work.end()
            request_id.reset(token)

    def takes_briefly(self, scope: AsgiScope) -> bool:
        """Whether `briefly` has the answer to this request, which has no body.

        Not while the process drains: then each answer ends its connection.
        """
        if self._short is None or self._lifecycle.draining:
            return False
        return self._short.takes(scope)

    async def briefly(self, scope: AsgiScope) -> Answer:
        """All of an answer, by the short path."""
        short = cast("ShortPath", self._short)
        name = _request_id(scope)
        token = request_id.set(name)
        work = Work(self._load)
        self._metrics.began()
        began, status = time.perf_counter(), GONE
        try:
            try:
                answer = await short.answer(scope)
            except asyncio.CancelledError:  # by a stop that has waited for long enough
                answer = _cut_off(scope)
            status, head, body = answer
            head = completed_lines(head, name.encode(), scope)
            return Answer(status, head, b"" if scope["method"] == "HEAD" else body)
        finally:
            work.end()
            self._record(scope, status, short.route, began)
            request_id.reset(token)

    async def _answer(
        self, scope: AsgiScope, receive: Receive, send: Send, name: str, work: Work
    ) -> None:
        began = time.perf_counter()
        share = Share(self._bodies)
        body = Body(scope, receive, self._lifecycle, work, share, began + self._body_timeout)
        exchange = Exchange(scope, body, work, send, name.encode())
        try:
            await self._app(exchange.scope, body.receive, exchange.send)
        except asyncio.CancelledError:  # by a stop that has waited for long enough
            if exchange.status == GONE:
                for message in _cut_off(scope).messages():
                    await exchange.send(message)
        finally:
            share.end()
            route = str(exchange.scope.get("path_template") or UNMATCHED)
            self._record(scope, exchange.status, route, began)

    def turned_away(self, scope: AsgiScope, path: str) -> Answer | None:
        """The answer to what there is no room for, before anything is made of it; None for room.

        There may be many of these, and each has to cost little.
        """
        if self._load.enter() or self._is_spared(scope, path):
            return None
        return self._refusal(scope, path)

    def _is_spared(self, scope: AsgiScope, path: str) -> bool:
        if path.startswith(SPARED):
            return True
        return self._spared_port is not None and scope["server"][1] == self._spared_port

    def _refusal(self, scope: AsgiScope, path: str) -> Answer:
        self._load.refused()
        self._metrics.refused(scope["method"], self._refused.status)
        return self._refused.answer(path, _request_id(scope))

    def _record(self, scope: AsgiScope, status: int, route: str, began: float) -> None:
        seconds = time.perf_counter() - began
        self._metrics.ended(scope["method"], route, status, seconds)
        log_request(scope["method"], scope["path"], status, seconds)  # a query may hold an email


def _cut_off(scope: AsgiScope) -> Answer:
    error = Unavailable("The service is stopping, and cannot answer any more.")
    return problem_answer(error, scope["path"])


def _request_id(scope: AsgiScope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _VISIBLE.fullmatch(value):
            return str(value, "ascii")
    return f"{random.getrandbits(128):032x}"  # a name, and no secret
