"""`SERVER_WORKERS`: several processes behind one port, as one service."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.http import PROFILES
from tests.support.processes import Server, run

WAIT_MAX = 30.0
SEVERAL = {
    "DATABASE": "sqlite",
    "AUTH_MODE": "none",
    "SERVER_HOST": "127.0.0.1",
    "SERVER_WORKERS": "2",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, command="serve", **SEVERAL) as server:
        yield server
        for member in members(server):
            member.kill()


def members(server: Server) -> list[psutil.Process]:
    try:
        return psutil.Process(server.process.pid).children()
    except psutil.NoSuchProcess:
        return []


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_MAX
    while not true():
        assert time.monotonic() < deadline, "it does not become so"
        time.sleep(0.05)


def get(server: Server, path: str) -> httpx.Response:
    """By a connection of its own, which any of them may take."""
    return httpx.get(server.url + path, trust_env=False, timeout=30)


def answered(server: Server) -> dict[str, float]:
    """How many lists each process has given."""
    found = re.findall(
        rf'^http_requests_total{{member="(\d)",method="GET",route="{PROFILES}",.*}} (.+)$',
        get(server, "/metrics").text,
        re.MULTILINE,
    )
    return {member: float(number) for member, number in found}


def test_all_answer_and_all_are_counted(server: Server) -> None:
    assert len(members(server)) == 2
    assert server.errors.count("serving on") == 1
    asked = 0
    while len(answered(server)) < 2:  # which of them takes a connection is not for us to say
        connections = [httpx.Client(base_url=server.url, trust_env=False) for _ in range(20)]
        for client in connections:
            assert client.get(PROFILES).status_code == 200
            asked += 1
        for client in connections:
            client.close()
        assert asked < 1_000
    for _ in range(10):
        assert sum(answered(server).values()) == asked


def test_one_that_is_killed_is_begun_anew(server: Server) -> None:
    killed, kept = members(server)
    killed.kill()
    until(lambda: len({m.pid for m in members(server)} - {killed.pid}) == 2)
    until(lambda: server.errors.count("is ready") == 3)
    assert kept.pid in {member.pid for member in members(server)}
    assert get(server, PROFILES).status_code == 200
    assert set(re.findall(r'member="(\d)"', get(server, "/metrics").text)) == {"1", "2"}


def test_they_end_together(server: Server) -> None:
    several = members(server)
    assert server.stop() == 0
    assert not any(member.is_running() for member in several)
    with pytest.raises(httpx.ConnectError):
        get(server, PROFILES)


def test_ctrl_c_cuts_nobody_off(server: Server) -> None:
    """It goes to all that a terminal runs; who is asked twice hurries."""
    body = b'{"name":"Ada","email":"ada@example.com"}'
    head = f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        client.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        os.killpg(server.process.pid, signal.SIGINT)
        time.sleep(0.3)
        client.sendall(body[10:])
        assert client.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert server.wait() == 0


def test_without_their_parent_they_end(server: Server) -> None:
    several = members(server)
    server.kill()
    until(lambda: not any(m.is_running() and m.status() != "zombie" for m in several))


def test_one_that_cannot_begin_ends_all_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    alone = run(tmp_path, "serve", **{**SEVERAL, "SERVER_PORT": "0", "SERVER_WORKERS": "1"})
    several = run(tmp_path, "serve", **{**SEVERAL, "SERVER_PORT": "0"})
    assert several.returncode == alone.returncode != 0
    assert alone.stderr.splitlines()[-1] in several.stderr


def test_what_none_share_is_refused(tmp_path: Path) -> None:
    refused: subprocess.CompletedProcess[str] = run(
        tmp_path, "serve", **{**SEVERAL, "DATABASE": "memory"}
    )
    assert refused.returncode != 0
    assert "SERVER_WORKERS is 1 with DATABASE=memory" in refused.stderr
