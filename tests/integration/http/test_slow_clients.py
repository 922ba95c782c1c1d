"""Clients that are slow, or send without end, cost little and end soon."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from profilecore.entrypoints.protocol import HEAD_MAX
from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.processes import Server
from tests.support.sockets import Wire, response

GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"HEAD_TIMEOUT": "500ms", "BODY_TIMEOUT": "1s"}
    with Server(tmp_path_factory.mktemp("slow"), **settings) as server:
        yield server


def ends(wire: Wire) -> bytes:
    """What comes until the other side ends it, which has to be soon."""
    began = time.monotonic()
    rest = wire.rest()
    assert time.monotonic() - began < 10
    return rest


def test_who_says_nothing_is_told_nothing(server: Server) -> None:
    with Wire(server) as wire:
        assert ends(wire) == b""


@pytest.mark.parametrize("begun", [b"G", GET, GET + b"X-A: b", b"\r\n", b"POST / HTTP/1.1\r\nA"])
def test_headers_that_do_not_end(server: Server, begun: bytes) -> None:
    with Wire(server) as wire:
        wire.send(begun)
        answer = response(ends(wire))
    document = problem(answer, 408, "request_timeout")
    assert document["instance"] == "/"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"  # as in all others
    assert answer.headers["Cache-Control"] == "no-store"


def test_headers_that_trickle(server: Server) -> None:
    """Whatever comes meanwhile gives nobody more time."""
    with Wire(server) as wire:
        assert wire.trickle(GET + b"X-A: " + b"a" * 200, 0.02) < 100
        problem(wire.answer(), 408, "request_timeout")


def test_the_next_request_has_the_time_anew(server: Server) -> None:
    with Wire(server) as wire:
        for _ in range(3):
            wire.send(GET)
            time.sleep(0.3)
            wire.send(b"\r\n")
            wire.until(b'"alive"}')
            time.sleep(0.3)
        wire.send(GET)
        problem(response(ends(wire)), 408, "request_timeout")


def test_a_head_that_came_with_the_request_before(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(GET + b"\r\n" + GET)
        assert wire.until(b'"alive"}').startswith(b"HTTP/1.1 200")
        problem(response(ends(wire)), 408, "request_timeout")


def test_line_ends_are_no_request(server: Server) -> None:
    """They take a connection that is kept alive out of its wait, and put it into this one."""
    with Wire(server) as wire:
        wire.send(GET + b"\r\n")
        wire.until(b'"alive"}')
        wire.trickle(b"\r\n" * 100, 0.02)
        problem(wire.answer(), 408, "request_timeout")


def test_an_answer_that_takes_long_is_not_cut_off(server: Server) -> None:
    """The bound is on what the client sends, and not on what it waits for."""
    with Wire(server) as wire:
        wire.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wire.until(b"retry: 2000")
        time.sleep(1.2)
        with server.client() as client:
            profile = created(client)
        assert profile["id"].encode() in wire.until(b"profile.created") + wire.until(b"\n\n")


@pytest.mark.parametrize("pieces", [1, 40])
@pytest.mark.parametrize(
    "header",
    [
        b"X-Much: " + b"a" * HEAD_MAX,
        b"".join(b"X-%d: a\r\n" % n for n in range(HEAD_MAX // 6)),
        b"X-" + b"a" * HEAD_MAX + b": a",
    ],
    ids=["a value", "many", "a name"],
)
def test_headers_without_end(server: Server, header: bytes, pieces: int) -> None:
    raw = GET + header + b"\r\n\r\n"
    size = len(raw) // pieces + 1
    with Wire(server) as wire:
        try:
            for start in range(0, len(raw), size):
                wire.send(raw[start : start + size])
                time.sleep(0.005)
        except ConnectionError:
            assert pieces > 1  # it had enough before it had all
        document = problem(response(ends(wire)), 431, "headers_too_large")
    assert f"{HEAD_MAX:,}" in document["detail"]


def test_a_path_without_end(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(b"GET /" + b"a" * HEAD_MAX + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        problem(response(ends(wire)), 431, "headers_too_large")


def test_as_much_as_may_be(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(GET + b"X-Much: " + b"a" * (HEAD_MAX - 100) + b"\r\n\r\n")
        assert wire.until(b'"alive"}').startswith(b"HTTP/1.1 200")


def test_a_refusal_does_not_stand_in_another_answer(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wire.until(b"retry: 2000")
        wire.send(GET + b"X-Much: " + b"a" * HEAD_MAX + b"\r\n\r\n")
        assert b"431" not in ends(wire)


CHUNKED = (
    b"%b HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize("pause", [0, 0.2])
@pytest.mark.parametrize("route", [b"POST /api/v1/profiles", b"POST /api/v1/profiles/batch"])
def test_a_body_in_broken_chunks(server: Server, route: bytes, pause: float) -> None:
    with Wire(server) as wire:
        wire.send(CHUNKED % route)
        time.sleep(pause)
        wire.send(b"zz\r\n{}\r\n0\r\n\r\n")
        problem(response(ends(wire)), 400, "malformed")


def test_broken_chunks_of_a_request_whose_turn_has_not_come(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wire.until(b"retry: 2000")
        wire.send(CHUNKED % b"POST /api/v1/profiles" + b"zz\r\n{}\r\n0\r\n\r\n")
        assert b"HTTP/1.1 400" not in ends(wire)


def test_an_answer_that_nobody_reads(server: Server) -> None:
    """It is given up, so that a client cannot keep what it is made of in memory."""
    with server.client() as client:
        bodies = [person(bio="x" * 10_000) for _ in range(100)]
        for _ in range(4):
            assert client.post(f"{PROFILES}/batch", json={"create": bodies}).is_success
            bodies = [person(bio="x" * 10_000) for _ in range(100)]
    with Wire(server, window=4096) as wire:
        wire.send(b"GET /api/v1/profiles/export HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(2.5)
        assert not ends(wire).endswith(b"0\r\n\r\n"), "it came to its end after all"


def test_many_at_once_harm_nobody(server: Server) -> None:
    """200 slow bodies and 200 slow heads: others are answered, and all of those are ended."""
    with server.client() as client:
        profile = created(client)
        wires = [Wire(server) for _ in range(400)]
        try:
            for number, wire in enumerate(wires):
                if number % 2:
                    wire.send(GET + b"X-")
                else:
                    wire.request("POST", PROFILES, b"{", length=100)
            for _ in range(50):
                assert client.get(path_of(profile)).status_code == 200
            with ThreadPoolExecutor(50) as pool:
                answers = list(pool.map(ends, wires))
        finally:
            for wire in wires:
                wire.__exit__(None, None, None)
    for answer in answers:
        problem(response(answer), 408, "request_timeout")
