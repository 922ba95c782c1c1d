"""A way to a server that can be cut, slow, silent, or break in the middle of an answer."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes a port of 127.0.0.1 on to another; change what it does at any time."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds that each piece of an answer is late."""
        self.resetting = False
        """Half of the next piece of each answer, then a reset."""
        self._target = target
        self._cut = False
        self._sound = asyncio.Event()
        self._sound.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._break_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset all connections, and each new one."""
        self._cut = True
        self._break_all()

    def hush(self) -> None:
        """Take everything and pass nothing on."""
        self._sound.clear()

    def heal(self) -> None:
        """Do what a wire does; what was held back comes late."""
        self._cut = self.resetting = False
        self.delay = 0.0
        self._sound.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        ends = [writer]
        self._writers.add(writer)
        try:
            if self._cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(far_writer)
            self._writers.add(far_writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, far_writer, answers=False))
                pumps.create_task(self._pump(far_reader, writer, answers=True))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass
        finally:
            for end in ends:
                self._break(end)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(65_536):
            await self._sound.wait()
            if answers and self.delay:
                await asyncio.sleep(self.delay)
            if answers and self.resetting:
                writer.write(data[: len(data) // 2])
                await writer.drain()
                self._break(writer)
                return
            writer.write(data)
            await writer.drain()
        self._break(writer)

    def _break_all(self) -> None:
        for writer in list(self._writers):
            self._break(writer)

    def _break(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        with suppress(OSError, AttributeError):
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


class ThreadedProxy:
    """The same for tests that are not async; its methods may be called from any thread."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._proxy.port}"

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def hush(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.hush)

    def heal(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.heal)

    def slow(self, seconds: float) -> None:
        self._proxy.delay = seconds

    def reset(self) -> None:
        self._proxy.resetting = True


@contextmanager
def proxied(target: int) -> Iterator[ThreadedProxy]:
    """A proxy in a thread of its own."""
    loop = asyncio.new_event_loop()
    proxy = loop.run_until_complete(Proxy(target).__aenter__())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield ThreadedProxy(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
