"""HTTP/1.1 on a connection: uvicorn's, with bounds for what is slow or has no end."""

import asyncio
from typing import Any, Final, cast
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from profilecore.entrypoints.http.asgi import Answer, AsgiScope, body_size, in_lines
from profilecore.entrypoints.http.edge import Edge
from profilecore.entrypoints.http.exchange import CLOSE, completed_lines
from profilecore.entrypoints.http.problems import Refusal, problem_answer
from profilecore.entrypoints.lifecycle import GRACE
from profilecore.entrypoints.sending import Brief, Sender
from profilecore.errors import Invalid, ProfilecoreError

HEAD_MAX: Final = 32 * 1024  # bytes of a request line and its headers
_NO_HTTP: Final = Invalid("This is not HTTP/1.1.", code="malformed")
_TOO_LARGE: Final = Refusal(
    f"The headers have more than {HEAD_MAX:,} bytes, the most that is taken.",
    code="headers_too_large",
)
_TOO_SLOW: Final = Refusal(
    "The headers did not arrive in time; send them again, faster.", code="request_timeout"
)


class Protocol(HttpToolsProtocol):
    """Gives a head `head_timeout` seconds to arrive, and an answer `stall_timeout` to be read.

    What the `edge` turns away, or answers briefly, is answered here, at a part of what it costs to
    begin with a request of any kind. A body that is small counts as part of its head; one that is
    not ends its connection, where it is refused.
    Where the server stops, a connection whose request is on its way has a second more.
    What is no request that can be taken is answered by a problem document, as all else is.
    """

    def __init__(
        self,
        edge: Edge,
        *,
        head_timeout: float,
        stall_timeout: float,
        **named: Any,
    ) -> None:
        super().__init__(**named)
        self._edge = edge
        self._is_taken = False
        """Whether the request that arrives needs no cycle."""
        self._head_timeout = head_timeout
        self._stall_timeout = stall_timeout
        self._head: int | None = 0
        """Bytes of the head that is on its way; None while none is."""
        self._piece = self._most = 0
        """Bytes of what came last, and how many the head has at most that is complete."""
        self._due: Answer | None = None
        """A refusal, to be sent when the request, whose small body nobody reads, is complete."""
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._refusal: ProfilecoreError = _NO_HTTP

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head = None
        self._expect_head()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head is None and not self._answering():
            self._head = 0
        self._piece = len(data)
        self._most += self._piece
        if self._head is not None:
            self._head += self._piece
        super().data_received(data)
        if self._head is not None and self._head > HEAD_MAX:
            self._refuse(_TOO_LARGE)
        self._expect_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._most = self._piece
        if self._head is None:  # it came with the end of the one before
            self._head = 1  # or more

    def on_headers_complete(self) -> None:
        if self._most > HEAD_MAX:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > HEAD_MAX:
                self._refusal = _TOO_LARGE
                raise ValueError(size)  # which the parser stops at
        self._is_taken = self._take()
        if self._due is None:
            self._head = None
        if not self._is_taken:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_taken:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_taken:
            super().on_message_complete()
        elif self._due is not None:
            answer, self._due, self._head = self._due, None, None
            self._write(answer)
            self.on_response_complete()
            self._edge.resting.add(self.transport)

    def _take(self) -> bool:
        """Refuse the request, or begin with a short one, without a cycle of uvicorn's."""
        scope = cast("AsgiScope", self.scope)
        size = body_size(scope)
        if self._answering() or not self.parser.should_keep_alive() or size is None:
            return False
        if size > HEAD_MAX - self._most:
            return False
        path, mark, query = self.url.partition(b"?")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"], scope["query_string"] = path.decode("latin-1"), query
        refusal = self._edge.turned_away(scope, scope["path"])
        if refusal is not None:
            body = b"" if scope["method"] == "HEAD" else refusal.body
            self._due = Answer(refusal.status, refusal.head, body)
            return True
        if size or mark or not self._edge.takes_briefly(scope):
            return False
        cycle = Brief()
        self.cycle = cast("RequestResponseCycle", cycle)
        task = self.loop.create_task(self._answer_briefly(scope, cycle))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return True

    async def _answer_briefly(self, scope: AsgiScope, cycle: Brief) -> None:
        answer = await self._edge.briefly(scope)
        if self.flow.write_paused:
            await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_complete = True
        if cycle.keep_alive:
            self._write(answer)
        else:
            self._write(Answer(answer.status, answer.head + in_lines([CLOSE]), answer.body))
            self.transport.close()
        self.on_response_complete()

    def _write(self, answer: Answer) -> None:
        status, head, body = answer
        common = in_lines(self.server_state.default_headers)
        self.transport.write(b"%b%b%b\r\n%b" % (STATUS_LINE[status], common, head, body))

    def shutdown(self) -> None:
        if self._head is None:
            super().shutdown()
        else:  # its request is on its way; the answer ends the connection
            self.loop.call_later(GRACE, self._end_unless_answering)

    def _end_unless_answering(self) -> None:
        if not self._answering():
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        send = Sender(cycle).send
        # As the cycle's own `send` it would be part of a ring that only the collector finds.
        super()._start_asgi_task(cycle, lambda scope, receive, _: app(scope, receive, send))

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._stall_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _answering(self) -> bool:
        # uvicorn has no cycle before the first request, whatever its type says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _body_is_awaited(self) -> bool:
        """Whether it is in the body of the one request that is answered, without a word so far."""
        cycle = self.cycle
        return (
            self._answering()
            and cycle.more_body
            and not cycle.response_started
            and not self.pipeline
        )

    def _expect_head(self) -> None:
        """Have a head that is on its way bounded in time, and none that is not."""
        if self._head is None and self._late is not None:
            self._late.cancel()
            self._late = None
        elif self._head is not None and self._late is None:
            self._late = self.loop.call_later(self._head_timeout, self._give_up)

    def _give_up(self) -> None:
        if self._head:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()  # who says nothing is told nothing

    def _refuse(self, error: ProfilecoreError) -> None:
        self._head = None
        if self._body_is_awaited():
            self.cycle.disconnected = True  # what the route would say comes too late
        elif self._answering():
            self.transport.close()  # who reads that would take this for a part of it
        if self.transport.is_closing():
            return
        request_id = uuid4().hex
        status, head, body = problem_answer(error, "/", request_id=request_id)
        head = completed_lines(head, request_id.encode(), cast("AsgiScope", {}))
        self._write(Answer(status, head + in_lines([CLOSE]), body))
        self.transport.close()
