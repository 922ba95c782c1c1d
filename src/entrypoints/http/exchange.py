"""One request and its answer, on their way through the outermost layer."""

import time
from typing import Final

from profilecore.entrypoints.http.asgi import (
    AsgiScope,
    Headers,
    Message,
    Receive,
    Send,
    has_body,
    in_lines,
)
from profilecore.entrypoints.http.limits import HEADERS
from profilecore.entrypoints.http.load import STREAMED, Share, Work
from profilecore.entrypoints.http.problems import Refusal
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.errors import Invalid, Unavailable

GONE: Final = 499  # until an answer begins: the client went away (as nginx logs it)
CLOSE: Final = (b"connection", b"close")
# No X-Frame-Options: frame-ancestors says the same to every browser that is still in use.
_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_UNLESS_SET: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


_ALWAYS_LINES: Final = in_lines(_ALWAYS)
_LINES_UNLESS_SET: Final = [(name + b":", in_lines([(name, value)])) for name, value in _UNLESS_SET]


def completed(headers: Headers, request_id: bytes, scope: AsgiScope) -> Headers:
    """The headers of an answer, with those that every answer has."""
    names = {name.lower() for name, _ in headers}
    headers += ((b"x-request-id", request_id), *_ALWAYS)
    headers += scope.get(HEADERS, ())
    headers += [header for header in _UNLESS_SET if header[0] not in names]
    return headers


def completed_lines(head: bytes, request_id: bytes, scope: AsgiScope) -> bytes:
    """The same for a head that is written out."""
    limits = scope.get(HEADERS)
    more = b"" if limits is None else in_lines(limits)
    unset = [line for name, line in _LINES_UNLESS_SET if name not in head]
    given = (head, request_id, _ALWAYS_LINES, more, b"".join(unset))
    return b"%bx-request-id: %b\r\n%b%b%b" % given


class Body:
    """A request's body on its way in, which has to have arrived by `deadline`."""

    def __init__(
        self,
        scope: AsgiScope,
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

    @property
    def ends_connection(self) -> bool:
        """Whether nothing more is to come by its connection.

        While the process drains it is told so to proxies that keep connections, before these are
        closed: a request that cannot be sent twice is then not lost with one.
        """
        return not self.ended or self._lifecycle.draining

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


class Exchange:
    """One request and its answer, as the layers within see them."""

    def __init__(
        self, scope: AsgiScope, body: Body, work: Work, send: Send, request_id: bytes
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
            headers = completed(list(message.get("headers", [])), self._request_id, self.scope)
            if self._body.ends_connection:
                headers.append(CLOSE)
            message["headers"] = headers
            await self._send(message)
            if self._headless:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._headless:
            await self._send(message)
