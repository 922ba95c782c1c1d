"""What many large bodies at once take of a server's memory."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from profilecore.entrypoints.http.load import BODIES_MAX, SMALL, Bodies, Overloaded, Share
from tests.support.http import PROFILES, created, path_of, person
from tests.support.processes import Server

MB = 1024 * 1024
AT_ONCE = 100
GROWTH_MAX = {"form": 64 * MB, "batch": 128 * MB}
"""A form is written away; a body of JSON takes up to three times its bytes while it is read."""
LARGE = b"x" * (9 * MB)
FORM = b"--cut\r\nContent-Disposition: form-data; name=image\r\n\r\n" + LARGE + b"\r\n--cut--\r\n"
BATCH = b'{"create":[{"name":"Ada","email":"a@example.com","bio":"' + LARGE + b'"}]}'


TAKEN_MIN = {"form": 20, "batch": BODIES_MAX // len(BATCH)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, DATABASE="memory") as server:
        yield server


def memory(server: Server, name: str) -> int:
    """In bytes; `VmRSS` is what it has, `VmHWM` the most that it ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


async def sent(
    server: Server, path: str, kind: str, body: bytes, whole: Callable[[], Awaitable[object]]
) -> int:
    """The status of the answer to a body whose last byte comes after `whole`; 0 for none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    line = b""
    with suppress(ConnectionError):  # it may be refused before all of it has arrived
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(body[:-1])
        await writer.drain()
        await whole()
        writer.write(body[-1:])
        await writer.drain()
    with suppress(ConnectionError):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1]) if line else 0


async def at_once(server: Server, path: str, kind: str, body: bytes) -> Counter[int]:
    """Send so many, each held back by a byte until a small request was answered."""
    small = asyncio.Event()

    async def write_small() -> None:
        await asyncio.sleep(1)
        async with server.async_client() as client:
            assert (await client.post(PROFILES, json=person())).status_code == 201
        small.set()

    calls = (sent(server, path, kind, body, small.wait) for _ in range(AT_ONCE))
    statuses, _ = await asyncio.gather(asyncio.gather(*calls), write_small())
    return Counter(statuses)


@pytest.mark.parametrize("kind", ["form", "batch"])
async def test_many_large_bodies_at_once(server: Server, kind: str) -> None:
    """The memory stays under its cap, and small requests are answered meanwhile."""
    with server.client() as client:
        profile = created(client)
    before = memory(server, "VmRSS")
    if kind == "form":
        path, type_, body = f"{path_of(profile)}/images", "multipart/form-data; boundary=cut", FORM
    else:
        path, type_, body = f"{PROFILES}/batch", "application/json", BATCH
    statuses = await at_once(server, path, type_, body)
    grown = memory(server, "VmHWM") - before
    print(f"{kind}: {dict(statuses)}, {grown / MB:.0f} MB more")
    assert statuses.keys() <= {0, 200, 415, 503}
    assert statuses[200] + statuses[415] >= TAKEN_MIN[kind]
    assert grown < GROWTH_MAX[kind]


def test_only_what_is_large_counts_and_all_is_given_back() -> None:
    bodies = Bodies(most=100)
    one, other, small = Share(bodies), Share(bodies), Share(bodies)
    one.add(SMALL)
    one.add(60)
    assert bodies.held == 60
    with pytest.raises(Overloaded) as refused:
        other.add(SMALL + 41)
    assert refused.value.retry_after >= 1
    small.add(SMALL)
    other.end()
    assert bodies.held == 60
    one.end()
    assert bodies.held == 0
    other.add(100)
