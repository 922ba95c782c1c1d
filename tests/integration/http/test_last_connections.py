"""Who has connected when the listener closes, and was not looked at yet."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from profilecore.entrypoints.server import _Server
from profilecore.entrypoints.settings import Settings
from tests.support.inside import inside

NUMBER = 20
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[_Server, socket.socket]]:
    async with inside(folder) as app:
        server = _Server(Settings.read("dev", {}), app.app, app.parts.lifecycle)
        server.announce = lambda: None
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await server.startup([listener])
            yield server, listener


def connected(listener: socket.socket) -> socket.socket:
    """One that has asked; nothing is awaited meanwhile, so that the server has not seen it."""
    client = socket.create_connection(listener.getsockname(), 10)
    client.sendall(REQUEST)
    return client


async def ended(folder: Path, *, gone: int = 0) -> list[socket.socket]:
    """A server that closes while all these have connected; those that are not gone since."""
    async with listening(folder) as (server, listener):
        clients = [connected(listener) for _ in range(NUMBER)]
        for client in clients[:gone]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # with a reset
        server.stop()
        await server.shutdown([listener])
        return clients[gone:]


@pytest.mark.parametrize("gone", [0, NUMBER // 2])
def test_all_that_are_there_are_answered(tmp_path: Path, gone: int) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as in production
        clients = runner.run(ended(tmp_path, gone=gone))
    assert len(clients) == NUMBER - gone
    for client in clients:
        with client:
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
