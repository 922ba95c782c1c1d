"""Several processes on one file."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.paging import Count, Query
from profilecore.testing.samples import add, created, person

ROOT = Path(__file__).parents[3]

HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that holds a lock."""

    def __init__(self, path: Path, sql: str = "BEGIN IMMEDIATE") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, path, sql],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"held\n"

    def let_go(self) -> None:
        self._process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path, busy_timeout=0.3)
    await database.open()
    yield database
    await database.close()


async def test_a_lock_is_waited_for_within_a_bound_and_reads_go_on(
    database: SqliteDatabase, path: Path
) -> None:
    profiles, profile = SqliteProfiles(database), person()
    await add(profiles, profile)
    holder = Holder(path)
    began = time.monotonic()
    refused = [asyncio.create_task(add(profiles, person())) for _ in range(3)]
    while not all(task.done() for task in refused):
        assert await profiles.get([profile.id]) == {profile.id: profile}
        await asyncio.sleep(0.01)
        assert time.monotonic() - began < 3
    for task in refused:
        with pytest.raises(Unavailable, match="locked"):
            await task
    assert time.monotonic() - began > 0.25
    assert list(await profiles.write([], atomic=True)) == []
    holder.let_go()
    await add(profiles, person())
    assert (await profiles.list(Query(count=Count.EXACT))).total == 2


async def test_a_short_lock_is_waited_out(path: Path) -> None:
    database = SqliteDatabase(path)
    await database.open()
    holder = Holder(path)
    writing = asyncio.create_task(add(SqliteProfiles(database), person()))
    await asyncio.sleep(0.2)
    assert not writing.done()
    holder.let_go()
    async with asyncio.timeout(4):
        await writing
    await database.close()


async def test_a_file_that_another_process_holds_cannot_be_opened_yet(path: Path) -> None:
    holder = Holder(path, "BEGIN EXCLUSIVE")
    late = SqliteDatabase(path, busy_timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="locked"):
        await late.open()
    assert 0.25 < time.monotonic() - began < 3
    patient = SqliteDatabase(path)
    opening = asyncio.create_task(patient.open())
    await asyncio.sleep(0.3)
    assert not opening.done()
    holder.let_go()
    await opening
    await patient.ping()
    await patient.close()


async def test_many_may_make_the_file_at_once(path: Path) -> None:
    databases = [SqliteDatabase(path) for _ in range(8)]
    await asyncio.gather(*(database.open() for database in databases))
    await asyncio.gather(*(add(SqliteProfiles(database), person()) for database in databases))
    assert len(await SqliteLog(databases[0]).read(0, 100)) == 8
    await asyncio.gather(*(database.close() for database in databases))


IMPORT = """
import asyncio, sys
from profilecore.adapters.sqlite import SqliteDatabase, SqliteProfiles
from profilecore.testing.samples import created, person
async def main():
    database = SqliteDatabase(sys.argv[1])
    await database.open()
    for chunk in range(15):
        people = [person(email=f"{sys.argv[2]}-{chunk}-{n}@x.de") for n in range(500)]
        await SqliteProfiles(database).write([created(p) for p in people], atomic=True)
    await database.close()
asyncio.run(main())
"""


async def test_an_import_and_a_server_write_at_once(path: Path) -> None:
    database = SqliteDatabase(path)
    await database.open()
    profiles, log = SqliteProfiles(database), SqliteLog(database)
    imports = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", IMPORT, path, f"import{n}", cwd=ROOT
        )
        for n in range(2)
    ]
    served = 0
    slowest = 0.0
    followed: list[Event] = []
    while any(process.returncode is None for process in imports):
        began = time.monotonic()
        (outcome,) = await profiles.write([created(person())], atomic=False)
        slowest = max(slowest, time.monotonic() - began)
        assert isinstance(outcome, Event)
        served += 1
        followed += await log.read(followed[-1].position if followed else 0, 10_000)
        await asyncio.sleep(0.005)
    assert [process.returncode for process in imports] == [0, 0]
    followed += await log.read(followed[-1].position, 100_000)
    assert len(followed) == len({e.position for e in followed}) == 2 * 15 * 500 + served
    page = await profiles.list(Query(limit=1, count=Count.EXACT))
    assert page.total == len(followed)
    assert slowest < 5
    await database.close()
