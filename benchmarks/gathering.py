"""Reads of one id at random by many readers at once: alone, and gathered into common calls.

Through the adapters in one process, beside which the servers run on the same machine: the ratio of
each pair says more than its numbers.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from benchmarks._measuring import folder, table
from profilecore.adapters.gathered import GatheredCache, GatheredProfiles
from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase, PostgresProfiles
from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.relay import Horizon
from profilecore.testing.samples import add, person
from tests.support.postgres import database, reachable
from tests.support.redis import RedisProcess

READERS = (1, 32, 128)
SECONDS = 2.0
PEOPLE = 1_000

Get = Callable[[Collection[UUID]], Awaitable[object]]


async def rate(get: Get, ids: list[UUID], readers: int) -> float:
    """Reads per second."""
    chance, done, end = random.Random(1), 0, time.perf_counter() + SECONDS

    async def read() -> None:
        nonlocal done
        while time.perf_counter() < end:
            assert await get([chance.choice(ids)])
            done += 1

    await asyncio.gather(*(read() for _ in range(readers)))
    return done / SECONDS


async def compared(name: str, alone: Get, gathered: Get, ids: list[UUID]) -> list[list[str]]:
    rows = []
    for readers in READERS:
        plain, together = [await rate(get, ids, readers) for get in (alone, gathered)]
        figures = (f"{plain:,.0f}", f"{together:,.0f}", f"{together / plain:.2f}")
        rows.append([f"{name}, {readers} readers", *figures])
    return rows


async def redis(port: int) -> list[list[str]]:
    cache = RedisCache(
        RedisServer(host="127.0.0.1", port=port), Horizon(0), connections=max(READERS)
    )
    await cache.open()
    await cache.begin(0, None)
    people = [person(bio="x" * 200) for _ in range(PEOPLE)]
    for one in people:
        await cache.put(one)
    rows = await compared("Redis", cache.get, GatheredCache(cache).get, [p.id for p in people])
    await cache.close()
    return rows


async def postgres(address: PostgresAddress) -> list[list[str]]:
    opened = PostgresDatabase(address)
    await opened.open()
    profiles, people = PostgresProfiles(opened), [person(bio="x" * 200) for _ in range(PEOPLE)]
    await add(profiles, *people)
    gathered = GatheredProfiles(profiles)
    rows = await compared("PostgreSQL", profiles.get, gathered.get, [p.id for p in people])
    await opened.close()
    return rows


def main() -> int:
    with folder() as root, RedisProcess(root) as cache:
        rows = asyncio.run(redis(cache.port))
    with reachable() as server, database(server) as address:
        rows += asyncio.run(postgres(address))
    table(("reads per second", "alone", "gathered", "ratio"), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
