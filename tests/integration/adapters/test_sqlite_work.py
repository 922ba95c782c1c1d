"""What SQLite does between open and close, and what it does where that fails."""

# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.adapters.sqlite import database as module
from profilecore.adapters.sqlite import tasks as tasks_module
from profilecore.adapters.sqlite.profiles import statement
from profilecore.errors import Invalid, Unavailable
from profilecore.identifiers import new_id
from profilecore.paging import Cursor, Query, Sort
from profilecore.schedule import TaskQuery
from profilecore.task import Status
from profilecore.testing.samples import (
    add,
    created,
    deleted,
    person,
    updated,
    write,
)
from tests.integration.adapters.statements import run, sql


@pytest.mark.parametrize("statements", [["DROP TABLE log"]])
async def test_ping_tells_of_a_file_that_is_broken(
    database: SqliteDatabase, path: Path, statements: list[str]
) -> None:
    await database.ping()
    sql(path, *statements)
    with pytest.raises(Unavailable):
        await database.ping()


async def test_a_file_that_was_taken_away_is_missed(path: Path) -> None:
    """And not made anew, empty."""
    database = SqliteDatabase(path)
    await database.open()
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(Unavailable, match="cannot be opened"):
        await database.ping()
    assert not path.exists()
    await database.close()


async def test_a_full_disk_is_told_and_over_when_there_is_room(database: SqliteDatabase) -> None:
    profiles, log = SqliteProfiles(database), SqliteLog(database)
    there = person()
    await add(profiles, there)

    def pages(connection: sqlite3.Connection, most: int | None = None) -> int:
        (now,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {most or now + 5}")
        return int(now)

    await database.write(pages)
    position = await log.position()
    many = [created(person(bio="x" * 5_000)) for _ in range(50)]
    for atomic in (True, False):
        with pytest.raises(Unavailable, match="full"):
            await profiles.write(many, atomic=atomic)
    assert await log.position() == position
    assert await profiles.get([there.id]) == {there.id: there}
    await database.write(lambda c: pages(c, 1_000_000))
    await profiles.write(many, atomic=True)
    assert await log.position() > position


async def test_a_read_has_a_bound(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_MAX", 0.1)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match="longer than a read may"):
            await database.read(lambda c: c.execute(endless).fetchone())
    await database.ping()


async def test_a_read_that_waited_too_long_is_refused_unrun(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_MAX", 0.2)
    database = SqliteDatabase(path, readers=1)
    await database.open()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    reads = [
        asyncio.create_task(database.read(lambda c: c.execute(endless).fetchone()))
        for _ in range(3)
    ]
    async with asyncio.timeout(3):
        results = await asyncio.gather(*reads, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert any("waiting" in str(result) for result in results)
    await database.ping()
    await database.close()


async def test_a_read_sees_one_state_of_the_file(database: SqliteDatabase) -> None:
    profiles = SqliteProfiles(database)
    inside, go_on = threading.Event(), threading.Event()

    def count_twice(connection: sqlite3.Connection) -> list[int]:
        counts = []
        for _ in range(2):
            counts += connection.execute("SELECT count(*) FROM profiles").fetchone()
            inside.set()
            go_on.wait(5)
        return counts

    reading = asyncio.create_task(database.read(count_twice))
    await asyncio.to_thread(inside.wait)
    await add(profiles, person())
    go_on.set()
    assert await reading == [0, 0]
    assert len((await profiles.list(Query())).profiles) == 1


async def test_a_cancelled_read_does_no_harm(database: SqliteDatabase) -> None:
    profiles, profile = SqliteProfiles(database), person()
    await add(profiles, profile)
    reads = [asyncio.create_task(profiles.get([profile.id])) for _ in range(50)]
    await asyncio.sleep(0)
    for read in reads[::2]:
        read.cancel()
    results = await asyncio.gather(*reads, return_exceptions=True)
    assert all(result == {profile.id: profile} for result in results[1::2])


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("profiles", "image_urls", "'no list'"),
        ("profiles", "created_at", str(2**62)),
        ("profiles", "updated_at", "'x'"),
        ("profiles", "id", "x'00'"),
        ("events", "data", "'['"),
        ("events", "type", "'profile.eaten'"),
        ("events", "at", str(2**62)),
        ("events", "profile_id", "x'00'"),
    ],
)
async def test_what_is_garbled_in_a_row_is_loud(
    database: SqliteDatabase, table: str, column: str, value: str
) -> None:
    profiles, log = SqliteProfiles(database), SqliteLog(database)
    await add(profiles, person())
    await run(database, f"UPDATE {table} SET {column} = {value}")  # noqa: S608
    with pytest.raises(Unavailable) as error:
        await (profiles.list(Query()) if table == "profiles" else log.read(0, 1))
    assert error.value.code == "garbled"
    await database.ping()


async def test_a_text_without_utf8_is_the_callers(database: SqliteDatabase) -> None:
    profiles = SqliteProfiles(database)
    change = created(person(), actor="\ud800")
    with pytest.raises(Invalid) as error:
        await profiles.write([change], atomic=True)
    assert isinstance(error.value.__cause__, UnicodeEncodeError)
    await add(profiles, person())


async def test_an_index_that_disagrees_is_no_conflict(database: SqliteDatabase) -> None:
    """A constraint that is not one of the port's is a failure of the store, not a refusal."""
    await database.write(
        lambda c: c.execute("CREATE UNIQUE INDEX odd ON profiles (bio) WHERE bio <> ''").rowcount
    )
    profiles = SqliteProfiles(database)
    await add(profiles, person(bio="x"))
    with pytest.raises(Unavailable):
        await profiles.write([created(person(bio="x"))], atomic=False)


@pytest.mark.parametrize("verb", ["purge", "erase"])
async def test_what_was_removed_is_not_in_the_file(path: Path, verb: str) -> None:
    database = SqliteDatabase(path)
    await database.open()
    profiles = SqliteProfiles(database)
    secret = person(name="Topsecretname", bio="Topsecretbio" * 300)
    await add(profiles, secret, *(person() for _ in range(20)))
    change = updated(secret, name="Topsecretother")
    gone = deleted(change.profile)
    await write(profiles, change, gone)
    if verb == "purge":
        assert await profiles.purge(gone.profile.updated_at.replace(year=2100)) == 1
    else:
        assert await profiles.erase([secret.id]) == 1
    await database.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"opsecret" not in content


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("paged", [False, True])
async def test_each_order_is_walked_along_its_index(
    database: SqliteDatabase, sort: Sort, paged: bool
) -> None:
    await add(SqliteProfiles(database), *(person() for _ in range(50)))
    cursor = Cursor(sort, "k" if sort is Sort.NAME else 1, new_id()) if paged else None

    def explained(query: Query) -> tuple[Any, ...]:
        text, parameters = statement(query)
        return f"EXPLAIN QUERY PLAN {text}", *parameters

    index = {"created_at": "created", "updated_at": "updated", "name": "name"}[sort.field]
    for query in (Query(sort=sort, after=cursor), Query(sort=sort, after=cursor, q="ada")):
        (step,) = await run(database, *explained(query))
        step = step[3]
        assert f"USING INDEX profiles_{index}" in step
        assert step.startswith("SEARCH") if paged else "TEMP B-TREE" not in step


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "sqlite_autoindex_tasks_1"),
        ({"status": Status.DEAD}, "tasks_of_status (status=?"),
        ({"type": "echo"}, "tasks_of_type (type=?"),
        ({"status": Status.DEAD, "type": "echo"}, "tasks_of_status_and_type (status=? AND type=?"),
    ],
)
@pytest.mark.parametrize("after", [None, new_id()])
async def test_a_page_of_tasks_is_read_from_its_place(
    database: SqliteDatabase, asked: Any, index: str, after: UUID | None
) -> None:
    """No others are read on the way, such as a million of that type in another status."""
    text, parameters = tasks_module._statement(TaskQuery(after=after, **asked))
    (step,) = await run(database, f"EXPLAIN QUERY PLAN {text}", *parameters)
    assert f"USING INDEX {index}" in step[3]
    assert ("id<?" in step[3]) == (after is not None)


async def test_other_reads_use_an_index_too(database: SqliteDatabase) -> None:
    for text in (
        "SELECT id FROM profiles WHERE email_key = ? AND deleted_at IS NULL",
        "SELECT * FROM profiles WHERE id = ?",
        "SELECT id FROM profiles WHERE deleted_at < ? AND deleted_at IS NOT NULL LIMIT 5",
        "SELECT * FROM events WHERE profile_id = ? AND position < 9 ORDER BY position DESC",
        "SELECT * FROM events WHERE position > ? ORDER BY position",
        "UPDATE events SET data = '{}' WHERE profile_id = ?",
    ):
        steps = await run(database, f"EXPLAIN QUERY PLAN {text}", "x")
        assert [step[3].split()[0] for step in steps] == ["SEARCH"], steps
