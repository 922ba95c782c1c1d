"""How a process stops: in order, in bounded time, and without losing what it acknowledged."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.http import PROFILES, assert_no_leak, created, path_of, person, problem
from tests.support.processes import Server, serving
from tests.support.sockets import Wire
from tests.support.sse import FEED

BOUND = 15.0
"""Far more than a second and what a slow machine adds, far less than for ever."""
LARGE = 1_500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "server"


def fill(client: httpx.Client, number: int = LARGE) -> None:
    """More than the buffers on the way to a client take up."""
    people = [person(bio="x" * 10_000) for _ in range(number)]
    for start in range(0, number, 500):
        response = client.post(f"{PROFILES}/batch", json={"create": people[start : start + 500]})
        assert {result["status"] for result in response.json()} == {201}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_asked(folder: Path, number: signal.Signals) -> None:
    """SIGTERM and SIGINT: exit code 0, and one file with everything in it."""
    with serving(folder) as (server, client):
        created(client)
        server.signal(number)
        assert server.wait(BOUND) == 0
        assert [file.name for file in server.database.parent.iterdir()] == ["profiles.db"]
        assert "Traceback" not in server.errors
        assert '"level":"error"' not in server.errors


def test_not_ready_before_it_stops_taking(folder: Path) -> None:
    """GET /health/ready is 503 while draining; SHUTDOWN_DELAY lets the balancer notice it first.

    One that keeps connections is told with each answer that its connection ends.
    """
    with serving(folder, SHUTDOWN_DELAY="3s") as (server, client):
        before = client.get("/health/ready")
        assert (before.status_code, before.headers.get("connection")) == (200, None)
        server.signal()
        deadline = time.monotonic() + BOUND
        while (ready := client.get("/health/ready")).status_code == 200:
            assert time.monotonic() < deadline
        assert ready.status_code == 503
        assert ready.json() == {"status": "not ready", "detail": "draining"}
        assert ready.headers["connection"] == "close"
        with server.client() as late:
            assert late.get("/health/live").status_code == 200
            profile = created(late)
            assert late.get(path_of(profile)).json()["profile"] == profile
        assert server.wait(BOUND) == 0
    with serving(folder) as (_, client):
        assert client.get(path_of(profile)).json()["profile"] == profile


def test_finishes_what_is_under_way(folder: Path) -> None:
    """SIGTERM: an export that a slow client is reading comes to its end."""
    with serving(folder, SHUTDOWN_TIMEOUT="60s") as (server, client):
        fill(client)
        with Wire(server, window=4_096) as wire:
            wire.request("GET", f"{PROFILES}/export")
            first = wire.receive(1_000)
            server.signal()
            time.sleep(0.5)
            assert server.process.poll() is None
            everything = first + wire.rest()
        assert server.wait(BOUND) == 0
    assert everything.endswith(b"\r\n0\r\n\r\n")
    assert everything.count(b'{"id":') == LARGE


def holding_a_body(server: Server) -> Iterator[None]:
    with Wire(server) as wire:
        wire.request("POST", PROFILES, b'{"n', length=50)
        time.sleep(0.2)
        yield
        refused = wire.answer()
        assert int(problem(refused, 503, "unavailable")["status"]) == 503
        assert int(refused.headers["retry-after"]) >= 1


def holding_a_read(server: Server) -> Iterator[None]:
    with Wire(server, window=4_096) as wire:
        wire.request("GET", f"{PROFILES}/export")
        assert wire.receive(1_000)
        yield


def holding_the_feed(server: Server) -> Iterator[None]:
    with Wire(server) as wire:
        wire.request("GET", FEED)
        wire.until(b"id: ")
        yield
        assert wire.rest().endswith(b"0\r\n\r\n")


def holding_a_feed_unread(server: Server) -> Iterator[None]:
    with Wire(server, window=4_096) as wire:
        wire.request("GET", f"{FEED}?after=0")
        assert wire.receive(1_000)
        yield


def holding_half_a_request(server: Server) -> Iterator[None]:
    with Wire(server) as wire:
        wire.send(b"GET /health/li")
        yield


def holding_a_connection(server: Server) -> Iterator[None]:
    with Wire(server) as wire:
        wire.request("GET", "/health/live")
        wire.until(b"alive")
        yield
        assert wire.rest() == b""


HOLDERS = [
    holding_a_body,
    holding_a_read,
    holding_the_feed,
    holding_a_feed_unread,
    holding_half_a_request,
    holding_a_connection,
]


def test_nobody_can_hold_it_up(folder: Path) -> None:
    """SIGTERM: a body, a read, a feed, a connection that are held cost SHUTDOWN_TIMEOUT at most."""
    with serving(folder, SHUTDOWN_TIMEOUT="1s") as (server, client):
        fill(client)
        holders = [hold(server) for hold in HOLDERS]
        for holder in holders:
            next(holder)
        server.signal()
        assert server.wait(BOUND) == 0
        for holder in holders:
            assert next(holder, None) is None
        assert '"exception"' not in server.errors


@pytest.mark.parametrize(
    "hold", [holding_a_body, holding_the_feed, holding_half_a_request, holding_a_connection]
)
def test_no_wait_where_none_is_needed(folder: Path, hold: Any) -> None:
    """SIGTERM: who can be told is told, well before SHUTDOWN_TIMEOUT."""
    with serving(folder, SHUTDOWN_TIMEOUT="60s") as (server, _):
        holder = hold(server)
        next(holder)
        server.signal()
        assert server.wait(BOUND) == 0
        assert next(holder, None) is None


@pytest.mark.parametrize("there", [b"", b"GET /health/live HTT"])
def test_a_request_on_its_way_is_answered(folder: Path, there: bytes) -> None:
    """SIGTERM between a connection and its request: the next server may not be asked again."""
    with serving(folder) as (server, _), Wire(server) as wire:
        wire.send(there)
        time.sleep(0.2)
        server.signal()
        deadline = time.monotonic() + BOUND
        while "Shutting down" not in server.errors:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.2)
        wire.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"[len(there) :])
        head = wire.receive().lower()
        assert head.startswith(b"http/1.1 200 ")
        assert b"connection: close" in head
        assert server.wait(BOUND) == 0


def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    """SIGTERM twice: it does not wait any longer."""
    with serving(folder, SHUTDOWN_TIMEOUT="60s") as (server, client):
        fill(client)
        with Wire(server, window=4_096) as wire:
            wire.request("GET", f"{PROFILES}/export")
            assert wire.receive(1_000)
            server.signal()
            time.sleep(0.5)
            assert server.process.poll() is None
            server.signal()
            server.wait(BOUND)
        assert "Traceback" not in server.errors


def test_a_second_signal_ends_the_delay(folder: Path) -> None:
    """SIGTERM twice: the delay before the listener closes is over, too."""
    with serving(folder, SHUTDOWN_DELAY="60s") as (server, client):
        server.signal()
        while client.get("/health/ready").status_code == 200:
            pass
        server.signal()
        assert server.wait(BOUND) == 0


def test_what_was_acknowledged_is_there_after_a_restart(folder: Path) -> None:
    """A 2xx is kept: clients write while the process stops; what was answered 201 is there."""
    acknowledged: list[dict[str, Any]] = []

    def write(server: Server) -> None:
        with server.client() as client:
            for _ in range(100_000):
                try:
                    response = client.post(PROFILES, json=person())
                except httpx.TransportError:
                    return
                if response.status_code == 201:
                    acknowledged.append(response.json())

    with serving(folder) as (server, _):
        writers = [threading.Thread(target=write, args=(server,)) for _ in range(4)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 50:
            time.sleep(0.01)
        server.signal()
        assert server.wait(BOUND) == 0
        for writer in writers:
            writer.join()
        assert '"exception"' not in server.errors
    with serving(folder) as (_, client):
        for profile in acknowledged:
            assert client.get(path_of(profile)).json()["profile"] == profile


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    with serving(tmp_path_factory.mktemp("impatient"), BODY_TIMEOUT="300ms") as pair:
        yield pair


@pytest.mark.parametrize(("method", "path"), [("POST", PROFILES), ("PUT", "{here}")])
def test_a_body_that_does_not_arrive(
    impatient: tuple[Server, httpx.Client], method: str, path: str
) -> None:
    """BODY_TIMEOUT: a body that stops half-way gets 408, and nothing is changed."""
    server, client = impatient
    here = created(client)
    with Wire(server) as wire:
        wire.request(method, path.replace("{here}", path_of(here)), b'{"bio": "ha', length=50)
        refused = wire.answer()
    problem(refused, 408, "request_timeout")
    assert refused.headers["connection"] == "close"
    assert client.get(path_of(here)).json()["profile"] == here


def test_a_body_that_arrives_too_slowly(impatient: tuple[Server, httpx.Client]) -> None:
    """BODY_TIMEOUT is for the whole body: byte by byte is no way round it."""
    server, _ = impatient
    with Wire(server) as wire:
        wire.request("POST", PROFILES, b"", length=1_000)
        assert wire.trickle(b" " * 400, 0.02) < 400
        problem(wire.answer(), 408, "request_timeout")


def test_an_answer_may_take_longer_than_a_body(impatient: tuple[Server, httpx.Client]) -> None:
    """BODY_TIMEOUT does not bound answers: a feed goes on."""
    server, client = impatient
    with Wire(server) as wire:
        wire.request("GET", FEED)
        wire.until(b"id: ")
        time.sleep(0.6)
        wire.until(created(client)["id"].encode())


def test_a_client_that_hangs_up(impatient: tuple[Server, httpx.Client]) -> None:
    """A client that goes away in the middle of a body, a chunk or an answer is no error."""
    server, client = impatient
    for body in (b"", b'{"name"'):
        with Wire(server) as wire:
            wire.request("POST", PROFILES, body, length=50)
            time.sleep(0.05)
    with Wire(server) as wire:
        wire.send(
            f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        time.sleep(0.05)
        wire.send(b"no length\r\n")
        assert_no_leak(wire.rest().decode())
    with Wire(server) as wire:
        wire.request("GET", FEED)
        wire.receive()
    created(client)
    time.sleep(0.2)
    assert client.get("/health/ready").status_code == 200
    assert '"level":"error"' not in server.errors
    assert '"exception"' not in server.errors


def test_the_port_is_taken(folder: Path) -> None:
    """A port that is taken is one line on standard error, and no success."""
    with serving(folder) as (first, _):
        other = folder / "other"
        other.mkdir()
        second = Server(other, SERVER_PORT=str(first.port))
        assert second.wait(BOUND) == 3
        assert second.output == ""
        (line,) = second.errors.splitlines()
        assert line.startswith("profilecore: Cannot listen on 127.0.0.1 port ")
        assert "SERVER_PORT" in line
        assert not (other / "data").exists()
