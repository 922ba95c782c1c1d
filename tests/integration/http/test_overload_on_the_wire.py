"""What a real server says to those for whom there is no room, before it has begun with them."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.support.http import PROFILES, person, problem
from tests.support.processes import Server

CONNECTIONS = 24
EACH = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("full"), REQUESTS_MAX="1") as server:
        yield server


async def answer(reader: asyncio.StreamReader, *, headless: bool = False) -> httpx.Response:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:-2]
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = b"" if headless else await reader.readexactly(int(headers["content-length"]))
    return httpx.Response(int(head[9:12]), headers=headers, content=body)


async def asked(
    server: Server, method: str, path: str, *, beside: int = 0, body: str = ""
) -> list[httpx.Response]:
    """Each of many connections asks again and again, with `beside` more sent along each time."""

    async def client(number: int) -> list[httpx.Response]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        found = []
        for turn in range(EACH):
            names = [f"{number}-{turn}-{which}" for which in range(1 + beside)]
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
            if body:
                head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            head += "X-Request-ID: "
            writer.write("".join(f"{head}{name}\r\n\r\n{body}" for name in names).encode())
            for name in names:
                found.append(await answer(reader, headless=method == "HEAD"))
                assert found[-1].headers["x-request-id"] == name
        writer.close()
        return found

    async with asyncio.timeout(60):
        many = await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))
    return [response for found in many for response in found]


async def test_each_is_answered_and_the_connection_goes_on(server: Server) -> None:
    found = await asked(server, "GET", f"{PROFILES}?limit=1")
    assert {response.status_code for response in found} == {200, 503}
    for response in found:
        assert response.headers["date"]
        if response.status_code == 503:
            assert problem(response, 503, "overloaded")["instance"] == PROFILES
            assert response.headers["retry-after"] == "1"


async def test_what_comes_in_one_piece_is_answered_in_its_order(server: Server) -> None:
    found = await asked(server, "GET", PROFILES, beside=2)
    assert {response.status_code for response in found} == {200, 503}
    assert len(found) == CONNECTIONS * EACH * 3


async def test_a_small_body_ends_no_connection(server: Server) -> None:
    """One that nobody reads is no reason to make another connection."""
    found = await asked(server, "POST", PROFILES, beside=1, body='{"name":"' + "x" * 300 + '"}')
    assert {response.status_code for response in found} == {422, 503}
    assert {response.headers.get("connection") for response in found} == {None}


async def test_head_has_no_body(server: Server) -> None:
    found = await asked(server, "HEAD", PROFILES)
    assert {response.status_code for response in found} == {200, 503}


async def test_health_is_told_beside_all_that(server: Server) -> None:
    busy = asyncio.create_task(asked(server, "GET", PROFILES))
    found = await asked(server, "GET", "/health/live")
    assert {response.status_code for response in found} == {200}
    assert json.loads(found[0].content)["status"] == "alive"
    await busy


async def test_who_asks_again_at_once_is_not_read_from_all_the_time(server: Server) -> None:
    """A write that waits for another process takes the only place meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with server.async_client() as client:
            held = asyncio.create_task(client.post(PROFILES, json=person()))
            await asyncio.sleep(0.2)  # it is there first
            refused, until = 0, time.monotonic() + 1
            while time.monotonic() < until:
                writer.write(f"GET {PROFILES} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                refused += (await answer(reader)).status_code == 503
            other.execute("COMMIT")
            assert (await held).status_code == 201
            answered = await client.get(PROFILES)
    writer.close()
    assert answered.status_code == 200
    # As many turns as there are in a second; thousands, where each is read at once.
    assert 5 < refused < 60


async def test_they_are_counted(server: Server) -> None:
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    (refused,) = (line for line in lines if line.startswith("http_requests_refused_total"))
    assert float(refused.split()[1]) > 0
    assert "http_requests_in_flight 1.0" in lines
