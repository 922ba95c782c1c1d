"""Calls are answered in time, whatever the server does; and it goes on by itself afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.adapters.postgres.node import WAITING_MAX
from profilecore.errors import Unavailable
from profilecore.paging import Query
from profilecore.testing.samples import add, created, person
from tests.support.postgres import Postgres, execute, settings, using
from tests.support.processes import serving

ANSWER_MAX = 2.0
RECOVERY_MAX = 5.0
TICK = 0.02
LOCK = "SELECT pg_advisory_lock(5787213827046133101)"
T = TypeVar("T")


async def failed(call: Awaitable[Any]) -> tuple[Unavailable, float]:
    """How it was refused, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await call
    return refused.value, time.monotonic() - began


async def watched(work: Awaitable[T]) -> tuple[T, float]:
    """What came of it, and for how many seconds the machine did not let this process go on."""
    late, worked = 0.0, time.process_time()

    async def tick() -> None:
        nonlocal late
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            late += time.monotonic() - due

    ticking = asyncio.create_task(tick())
    try:
        done = await work
        return done, max(0.0, late - (time.process_time() - worked))  # our own work counts
    finally:
        ticking.cancel()


async def until_answered(call: Callable[[], Awaitable[Any]]) -> float:
    """How many seconds it takes until a call succeeds."""
    began = time.monotonic()
    while True:
        try:
            await call()
        except Unavailable:
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.05)
        else:
            return time.monotonic() - began


async def test_a_frozen_server_is_answered_for_within_two_seconds(
    own_server: Postgres, own: PostgresAddress
) -> None:
    """Reads, writes and lists, more than there are connections, and twice in a row."""
    async with using(own, pool_max=4) as database:
        profiles, log = PostgresProfiles(database), PostgresLog(database)
        there = person()
        await add(profiles, there)
        own_server.freeze()
        for _ in range(2):
            calls: list[Awaitable[Any]] = []
            for _ in range(20):
                calls += [profiles.get([there.id]), profiles.list(Query()), log.read(0, 10)]
                calls += [profiles.write([created(person())], atomic=False), database.ping()]
            found, late = await watched(asyncio.gather(*map(failed, calls)))
            for error, seconds in found:
                assert seconds < ANSWER_MAX + late
                assert error.detail in (
                    "The database did not answer in time.",
                    "Too many calls are waiting for the database.",
                )
        own_server.thaw()
        assert await until_answered(lambda: profiles.get([there.id])) < RECOVERY_MAX
        assert await until_answered(lambda: add(profiles, person())) < RECOVERY_MAX
        await asyncio.gather(*(profiles.get([there.id]) for _ in range(100)))


async def test_a_caller_that_leaves_a_frozen_server_is_let_go_at_once(
    own_server: Postgres, own: PostgresAddress
) -> None:
    async with using(own, pool_max=1) as database:
        await database.ping()
        own_server.freeze()
        call = asyncio.create_task(database.ping())
        await asyncio.sleep(0.2)
        began = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - began < 0.1
        began = time.monotonic()
    assert time.monotonic() - began < 5
    own_server.thaw()


async def test_a_killed_server_is_missed_at_once_and_found_again(
    own_server: Postgres, own: PostgresAddress
) -> None:
    async with using(own) as database:
        profiles = PostgresProfiles(database)
        kept = [person() for _ in range(50)]
        await asyncio.gather(*(add(profiles, p) for p in kept))
        await asyncio.gather(*(profiles.get([p.id]) for p in kept))
        call = asyncio.create_task(failed(database.fetch("SELECT pg_sleep(1.2)", ())))
        await asyncio.sleep(0.2)
        own_server.kill()
        error, seconds = await call
        assert (error.detail, seconds < 1) == ("The database cannot be reached.", True)
        killed_at = time.monotonic()
        while time.monotonic() < killed_at + 7.8:  # long enough for pauses between tries to grow
            _, seconds = await failed(profiles.get([kept[0].id]))
            assert seconds < ANSWER_MAX
        own_server.start()
        assert await until_answered(lambda: profiles.get([kept[0].id])) < RECOVERY_MAX - 1
        assert await until_answered(lambda: add(profiles, person())) < RECOVERY_MAX
        assert set(await profiles.get([p.id for p in kept])) == {p.id for p in kept}


async def test_a_restart_between_two_calls_fails_none(
    own_server: Postgres, own: PostgresAddress
) -> None:
    """What is left of the connections is noticed without asking the server."""
    async with using(own, pool_max=5) as database:
        profiles = PostgresProfiles(database)
        await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.1)", ()) for _ in range(20)))
        own_server.kill()
        own_server.start()
        await asyncio.gather(*(add(profiles, person()) for _ in range(20)))
        await asyncio.gather(*(database.ping() for _ in range(20)))


async def test_the_server_itself_ends_what_takes_too_long(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    error, seconds = await failed(opened.fetch("SELECT pg_sleep(10)", ()))
    assert error.detail == "The database took longer than a call may."
    assert seconds < ANSWER_MAX
    active = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'"
    assert execute(address, f"{active} AND state = 'active' AND datname = current_database()") == [
        (0,)
    ]
    await opened.ping()


async def test_a_write_that_waits_too_long_for_others_had_no_effect(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    profiles, waiting = PostgresProfiles(opened), person()
    async with using(address, pool_max=1) as holder:
        await holder.fetch(LOCK, ())
        error, seconds = await failed(profiles.write([created(waiting)], atomic=False))
        assert (error.retry_after, seconds < ANSWER_MAX) == (2, True)
        assert await profiles.get([waiting.id]) == {}, "reads go on meanwhile"
    await add(profiles, waiting)


async def test_a_write_that_has_begun_is_finished_without_its_caller(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    profiles, written = PostgresProfiles(opened), person()
    async with using(address, pool_max=1) as holder:
        await holder.fetch(LOCK, ())
        call = asyncio.create_task(profiles.write([created(written)], atomic=False))
        await asyncio.sleep(0.3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    for _ in range(100):
        if await profiles.get([written.id]):
            return
        await asyncio.sleep(0.05)
    pytest.fail("it was undone")


async def test_close_finishes_what_was_accepted(
    address: PostgresAddress, opened: PostgresDatabase
) -> None:
    async with using(address) as database:
        people = [person() for _ in range(30)]
        writes = [asyncio.create_task(add(PostgresProfiles(database), p)) for p in people]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    assert len(await PostgresProfiles(opened).get([p.id for p in people])) == 30
    await database.close()
    with pytest.raises(Unavailable, match="not open"):
        await database.ping()


async def test_work_in_flight_is_capped(opened: PostgresDatabase, address: PostgresAddress) -> None:
    """By connections, and by calls that wait for one; the rest is refused at once."""
    slow = [asyncio.create_task(opened.fetch("SELECT pg_sleep(0.3)", ())) for _ in range(1_200)]
    await asyncio.sleep(0.2)
    refused = [task for task in slow if task.done() and task.exception()]
    assert 1_200 - WAITING_MAX - 3 <= len(refused) <= 1_200 - WAITING_MAX + 3
    for task in refused:
        error = task.exception()
        assert isinstance(error, Unavailable)
        assert error.retry_after == 2
    mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    ((connections,),) = execute(address, f"{mine} AND pid <> pg_backend_pid()")
    assert connections <= 3
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_opening_waits_for_a_server_that_is_starting(
    own_server: Postgres, own: PostgresAddress
) -> None:
    own_server.kill()
    starting = asyncio.get_running_loop().call_later(1, lambda: own_server.start(wait=False))
    async with using(own, connect_timeout=20) as database:
        assert starting.when() < asyncio.get_running_loop().time()
        await database.ping()


def test_http_answers_503_for_a_frozen_server_and_goes_on_by_itself(
    tmp_path: Path, own_server: Postgres, own: PostgresAddress
) -> None:
    """Within two seconds, with Retry-After, and without a word on where the database is."""
    with serving(tmp_path / "server", **settings(own), CACHE="noop") as (server, client):
        body = {"name": "Ada", "email": "ada@example.com"}
        made = client.post("/api/v1/profiles", json=body).json()
        own_server.freeze()
        path = f"/api/v1/profiles/{made['id']}"
        calls = [("GET", path, None), ("PUT", path, {"bio": "x"}), ("GET", "/health/ready", None)]
        for method, url, values in calls:
            began = time.monotonic()
            answer = client.request(method, url, json=values)
            assert (answer.status_code, time.monotonic() - began < ANSWER_MAX) == (503, True)
            if url == path:
                assert answer.headers["Retry-After"]
            for word in ("127.0.0.1", str(own.port), own.name, "SELECT", "psycopg"):
                assert word not in answer.text
        own_server.thaw()
        began = time.monotonic()
        while client.get(path).status_code != 200:
            assert time.monotonic() - began < RECOVERY_MAX
            time.sleep(0.1)
        assert client.get("/health/ready").status_code == 200
        own_server.kill()
        assert client.get(path).status_code == 503
        assert client.get("/health/live").status_code == 200
        own_server.start()
        began = time.monotonic()
        while client.get(path).status_code != 200:
            assert time.monotonic() - began < RECOVERY_MAX
            time.sleep(0.1)
        assert own.password
        assert own.password not in server.errors
        assert server.stop() == 0
