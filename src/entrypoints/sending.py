"""An answer in one piece: one system call instead of two, and no look at each header by itself."""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from profilecore.entrypoints.http.asgi import Headers, Message

_CONTROLS: Final = bytes({*range(32), 127} - {9})


class Brief:
    """What uvicorn's protocol has to see of a request that needs no cycle."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")
    more_body = False

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self.message_event = asyncio.Event()


class Sender:
    """What takes the messages of a cycle: it holds a head back until the first of its body.

    An answer whose body then is complete is written at once. All others are uvicorn's to send: of a
    stream, to a client that is slow or wants the connection closed, without a body.
    """

    __slots__ = ("_cycle", "_held")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._held: Message | None = None

    async def send(self, message: Message) -> None:
        """Take one message."""
        held, self._held = self._held, None
        if held is None:
            if not self._cycle.response_started and _length(message) is not None:
                self._held = message
            else:
                await self._pass_on(message)
        elif not self._sent_whole(held, message):
            await self._pass_on(held)
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        await RequestResponseCycle.send(self._cycle, cast("Any", message))

    def _sent_whole(self, start: Message, message: Message) -> bool:
        cycle, body = self._cycle, message.get("body", b"")
        if (
            message.get("more_body", False)
            or len(body) != _length(start)
            or not cycle.keep_alive
            or cycle.disconnected
            or cycle.flow.write_paused
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        head = _head(start["status"], [*cycle.default_headers, *start["headers"]])
        if head is None:
            return False
        cycle.transport.write(head + body)
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        cycle.on_response()
        return True


def _length(start: Message) -> int | None:
    """How long its body is said to be; None where that is not said, or it is no head."""
    if start["type"] != "http.response.start":
        return None
    length = None
    for name, value in start.get("headers", ()):
        if name == b"content-length":
            length = int(value)
        elif name in (b"connection", b"transfer-encoding"):
            return None
    return length


def _head(status: int, headers: Headers) -> bytes | None:
    """The head of an answer; None where something in it would end a line."""
    lines = [STATUS_LINE[status]]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    head = b"".join(lines)
    ends = 2 * (len(headers) + 2)
    return head if len(head) - len(head.translate(None, _CONTROLS)) == ends else None
