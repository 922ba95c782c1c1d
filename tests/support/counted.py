"""What a request costs, in steps of the interpreter: the same in every run, on every machine.

A protocol of the server is given requests and a transport that keeps nothing. Time would depend on
what else the machine does; the number of bytecodes that run for one request does not.
"""

import asyncio
import gc
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, pairwise
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

WARM_UP: Final = 20
MEASURED: Final = 40

MakeProtocol = Callable[..., HttpToolsProtocol]


class Sink(asyncio.Transport):
    """Takes what is written, and says when an answer is complete."""

    def __init__(self) -> None:
        super().__init__()
        self.complete = asyncio.Event()
        self.answer = b""

    def write(self, data: Any) -> None:
        self.answer += data
        head, _, body = self.answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length and len(body) >= int(length):
            self.complete.set()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 1)}.get(name, default)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@asynccontextmanager
async def asking(
    app: Any, requests: Sequence[bytes], make: MakeProtocol = HttpToolsProtocol
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What asks the next request and waits for its answer, warmed up."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Thu, 26 Nov 2026 12:00:00 GMT")]
    protocol = make(config=config, server_state=state, app_state={})
    sink = Sink()
    protocol.connection_made(sink)
    turn = cycle(requests)

    async def ask() -> None:
        sink.answer = b""
        sink.complete.clear()
        protocol.data_received(next(turn))
        await sink.complete.wait()
        assert sink.answer.startswith((b"HTTP/1.1 20", b"HTTP/1.1 4")), sink.answer

    for _ in range(WARM_UP):
        await ask()
    try:
        yield ask
    finally:
        protocol.connection_lost(None)


async def steps(
    app: Any, requests: Sequence[bytes], make: MakeProtocol = HttpToolsProtocol
) -> float:
    """Bytecodes of one request: the median, since others' timers run beside some of them."""
    count, marks = 0, [0]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename == __file__:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    async with asking(app, requests, make) as ask:
        sys.settrace(trace)
        try:
            for _ in range(MEASURED):
                await ask()
                marks.append(count)
        finally:
            sys.settrace(None)
    return statistics.median(after - before for before, after in pairwise(marks))


async def garbage(app: Any, requests: Sequence[bytes], make: MakeProtocol) -> float:
    """Objects that one request leaves to the garbage collector, on average."""
    async with asking(app, requests, make) as ask:
        gc.collect()
        gc.disable()
        try:
            for _ in range(MEASURED):
                await ask()
            return gc.collect() / MEASURED
        finally:
            gc.enable()
