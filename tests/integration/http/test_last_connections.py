"""Who has connected when a server stops to listen, and who would like to while it does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from profilecore.entrypoints.listening import admit_nobody_else
from profilecore.entrypoints.server import _Server
from profilecore.entrypoints.settings import Settings
from tests.support.inside import inside

NUMBER = 20
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def listening(
    folder: Path, *, is_alone: bool = True
) -> AsyncIterator[tuple[_Server, socket.socket]]:
    async with inside(folder) as app:
        settings = Settings.read("dev", {})
        server = _Server(settings, app.app, app.parts.lifecycle, is_alone=is_alone)
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


def answer(client: socket.socket) -> bytes:
    with client:
        return client.recv(1000)


def test_all_that_are_there_are_answered(tmp_path: Path) -> None:
    async def ended() -> list[socket.socket]:
        async with listening(tmp_path) as (server, listener):
            clients = [connected(listener) for _ in range(NUMBER)]
            server.stop()
            await server.shutdown([listener])
            return clients

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as in production
        clients = runner.run(ended())
    assert all(answer(client).startswith(b"HTTP/1.1 200 ") for client in clients)


async def test_who_comes_later_is_refused_and_not_cut_off(tmp_path: Path) -> None:
    """A request that was sent may have been done; one that could not be sent was not."""
    async with listening(tmp_path) as (server, listener):
        address = listener.getsockname()
        server.stop()
        stopping = asyncio.create_task(server.shutdown([listener]))
        await asyncio.sleep(0)  # it has begun
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(socket.create_connection, address, 10)
        await stopping


async def test_a_process_of_several_leaves_it_to_the_others_to_listen(tmp_path: Path) -> None:
    async with listening(tmp_path, is_alone=False) as (server, listener):
        with listener.dup() as others:
            server.stop()
            await server.shutdown([listener])
            with socket.create_connection(others.getsockname(), 10):
                others.accept()[0].close()


async def test_in_haste_nobody_is_waited_for(tmp_path: Path) -> None:
    async with listening(tmp_path) as (server, listener):
        with listener.dup() as same:
            server.stop()
            server.stop()
            await server.shutdown([listener])
            socket.create_connection(same.getsockname(), 10).close()


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_who_is_not_heard_is_not_refused(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        address = listener.getsockname()[:2]
        before = socket.create_connection(address, 10)
        admit_nobody_else(listener)
        with pytest.raises(TimeoutError):
            socket.create_connection(address, 0.5)
        with before, listener.accept()[0] as accepted:  # nothing of it is dropped
            before.sendall(b"a")
            assert accepted.recv(1) == b"a"


def test_a_listener_that_takes_no_filter_is_left_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pass
    admit_nobody_else(listener)  # as it is closed
