"""A real server whose Redis is refused, silent, slow or breaks off: every request is answered."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.redis.ways import BACK_MAX, Way, until_back
from tests.support.http import PROFILES, created
from tests.support.processes import Server
from tests.support.proxy import proxied
from tests.support.redis import RedisProcess

CLIENTS = 16
SECONDS = 1.5
ANSWER_MAX = 5.0
TURNED = "the cache has turned"

Fault = Callable[[Way, RedisProcess], None]
FAULTS: dict[str, tuple[Fault, Fault]] = {
    "refused": (lambda way, _: way.proxy.cut(), lambda way, _: way.proxy.heal()),
    "silent": (lambda _, redis: redis.pause(), lambda _, redis: redis.resume()),
    "slow": (lambda way, _: way.proxy.slow(0.1), lambda way, _: way.proxy.heal()),
    "resetting": (lambda way, _: way.proxy.reset(), lambda way, _: way.proxy.heal()),
    "killed": (lambda _, redis: redis.kill(), lambda _, redis: redis.start()),
}


@pytest.fixture(scope="module")
def way(server: RedisProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    folder = tmp_path_factory.mktemp("outages")
    with proxied(server.port) as proxy:
        way = Way(folder / "one", folder / "data", proxy, db=0)
        try:
            yield way
        finally:
            way.kill()


async def statuses(way: Way, ids: list[str], seconds: float) -> set[int]:
    """What clients are answered that read and write meanwhile."""
    end = time.monotonic() + seconds
    seen: set[int] = set()

    async def ask(number: int) -> None:
        turn = number
        while time.monotonic() < end:
            turn += 1
            path = f"{PROFILES}/{ids[turn % len(ids)]}"
            call = client.get(path) if turn % 5 else client.put(path, json={"bio": str(turn)})
            seen.add((await call).status_code)
            await asyncio.sleep(0.02)

    async with way.server.async_client(timeout=ANSWER_MAX) as client:
        await asyncio.gather(*(ask(number) for number in range(CLIENTS)))
    return seen


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_request_fails_and_the_way_back_is_automatic(
    way: Way, server: RedisProcess, fault: str
) -> None:
    begin, end = FAULTS[fault]
    ids = [created(way.client)["id"] for _ in range(20)]
    way.until_back()
    asking = asyncio.create_task(statuses(way, ids, SECONDS))
    await asyncio.sleep(0.2)
    begin(way, server)
    try:
        assert await asking == {200}
        assert await asyncio.to_thread(way.in_fallback) or fault == "slow"
    finally:
        end(way, server)
    began = time.monotonic()
    way.until_back()
    assert time.monotonic() - began < BACK_MAX


async def test_five_hundred_at_once_are_no_outage(server: RedisProcess, tmp_path: Path) -> None:
    """Nothing stands between the two: a proxy in this process would be late as it asks itself.

    Of a few tries one goes without: where a machine is short of time, Redis is late itself.
    """
    settings = {"CACHE": "redis", "REDIS_ADDRESS": server.address, "LOG_LEVEL": "warning"}
    with Server(tmp_path, **settings) as service, service.client() as api:
        ids = [created(api)["id"] for _ in range(20)]
        for _ in range(5):
            until_back(api)
            turns = service.errors.count(TURNED)
            async with asyncio.timeout(60):
                answers = await asyncio.gather(
                    *(thrice(service.port, ids[n % 20]) for n in range(500))
                )
            assert answers == [[b"HTTP/1.1 200 OK"] * 3] * 500
            if service.errors.count(TURNED) == turns:
                return
        pytest.fail(f"it turned each time:\n{service.errors}")


async def thrice(port: int, id_: str) -> list[bytes]:
    """Read a profile on a connection of one's own; 500 of a client library are slow themselves."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for _ in range(3):
        writer.write(f"GET {PROFILES}/{id_} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = re.findall(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length))
        found.append(head.partition(b"\r\n")[0])
    writer.close()
    return found
