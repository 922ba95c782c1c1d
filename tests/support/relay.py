"""A way to PostgreSQL that counts round trips."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_READY = ord("Z")  # the server is ready for the next: the end of each round trip


class Relay:
    """Passes bytes on; `trips` counts how often the server said that it is ready."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._serving: set[asyncio.Task[None]] = set()
        self.trips = 0
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def over(self) -> None:
        """Wait until every connection is closed."""
        while self._serving:
            await asyncio.wait(self._serving)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._target)
        with suppress(OSError):
            await asyncio.gather(self._copy(reader, to_server), self._messages(from_server, writer))
        for stream in (writer, to_server):
            stream.close()
            with suppress(OSError):
                await stream.wait_closed()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.write_eof()

    async def _messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(1):
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size) - 4)
            self.trips += head[0] == _READY
            writer.write(head + size + body)
        writer.write_eof()


@asynccontextmanager
async def relayed(host: str, port: int) -> AsyncIterator[Relay]:
    relay = Relay(host, port)
    async with await relay.start():
        yield relay
        await relay.over()
