"""The file that SQLite keeps: whose it is, who may read it, and what is wrong with it."""

# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.adapters.sqlite import database as module
from profilecore.adapters.sqlite.profiles import statement
from profilecore.adapters.sqlite.schema import APPLICATION_ID, STEPS
from profilecore.errors import Invalid, Unavailable
from profilecore.identifiers import new_id
from profilecore.paging import Cursor, Query, Sort
from tests.contracts.samples import add, created, deleted, person, updated, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "profiles.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    await database.open()
    yield database
    await database.close()


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for one in statements:
        connection.execute(one)
    connection.commit()
    connection.close()


async def run(database: SqliteDatabase, text: str, *parameters: object) -> list[Any]:
    """All rows of one statement, read or written."""

    def job(connection: sqlite3.Connection) -> list[Any]:
        return connection.execute(text, parameters).fetchall()

    return await (database.write(job) if text.startswith("UPDATE ") else database.read(job))


async def refused(path: Path) -> str:
    """Why a file cannot be opened."""
    with pytest.raises(Unavailable) as error:
        await SqliteDatabase(path, busy_timeout=0.2).open()
    assert str(path) in error.value.detail
    # The error is still held here, and with it all that was on the way.
    open_files = [os.path.realpath(file) for file in Path("/proc/self/fd").glob("*")]
    assert str(path) not in open_files, "it was not closed"
    return error.value.detail


# Opening


async def test_a_new_file_is_made_in_a_new_folder_for_its_owner_only(
    database: SqliteDatabase, path: Path
) -> None:
    await add(SqliteProfiles(database), person())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes) == {"profiles.db", "profiles.db-wal", "profiles.db-shm"}
    assert set(modes.values()) == {0o600}


async def test_nothing_happens_before_it_is_opened(path: Path) -> None:
    database = SqliteDatabase(path)
    assert not path.parent.exists()
    for call in (database.ping(), SqliteProfiles(database).get([new_id()])):
        with pytest.raises(Unavailable, match="not open"):
            await call
    with pytest.raises(Unavailable, match="not open"):
        await SqliteProfiles(database).write([created(person())], atomic=True)
    await database.close()


async def test_to_open_and_close_twice_does_no_harm(database: SqliteDatabase, path: Path) -> None:
    await database.open()
    profile = person()
    await add(SqliteProfiles(database), profile)
    await database.close()
    await database.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    await database.open()
    assert await SqliteProfiles(database).get([profile.id]) == {profile.id: profile}


@pytest.mark.parametrize("name", ["a b?mode=memory#x%41.db", "ü.db", "'; DROP.db"])
async def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    database, profile = SqliteDatabase(tmp_path / name), person()
    await database.open()
    await add(SqliteProfiles(database), profile)
    await database.close()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    await database.open()
    assert await SqliteProfiles(database).get([profile.id]) == {profile.id: profile}
    await database.close()


async def test_the_file_has_what_durability_needs(database: SqliteDatabase, path: Path) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "secure_delete", "application_id", "user_version")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1, APPLICATION_ID, len(STEPS)]
    assert await database.read(lambda c: c.execute("PRAGMA query_only").fetchone()[0]) == 1
    await database.close()
    assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4)


async def test_a_reader_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(Unavailable):
        await database.read(lambda c: c.execute("DELETE FROM events"))


async def test_the_file_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    for statements in (["CREATE TABLE notes (x)"], ["PRAGMA user_version = 3"]):
        sql(path, *statements)
        before = path.read_bytes()
        assert "another program" in await refused(path)
        assert path.read_bytes() == before
        path.unlink()
    sql(path, "CREATE TABLE notes (x)", "PRAGMA application_id = 7")
    assert "another program" in await refused(path)


async def test_the_file_of_a_later_release_is_left_alone(path: Path) -> None:
    database = SqliteDatabase(path)
    await database.open()
    await database.close()
    sql(path, f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()
    assert "later release" in await refused(path)
    assert path.read_bytes() == before


async def test_an_empty_file_will_do(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    database = SqliteDatabase(path)
    await database.open()
    await database.ping()
    await database.close()


async def test_what_is_no_database_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"name,email\n" * 1_000)
    assert "not a database" in await refused(path)


async def test_a_damaged_file_is_told(path: Path) -> None:
    database = SqliteDatabase(path)
    await database.open()
    await add(SqliteProfiles(database), *(person() for _ in range(500)))
    await database.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    await database.open()
    for call in (database.ping(), SqliteProfiles(database).list(Query())):
        with pytest.raises(Unavailable, match="damaged"):
            await call
    with pytest.raises(Unavailable, match="damaged"):
        await SqliteProfiles(database).write([created(person())], atomic=True)
    await database.close()


async def test_a_path_that_cannot_be_is_told(tmp_path: Path) -> None:
    assert "directory" in await refused(tmp_path)
    assert "denied" in await refused(Path("/sys/profiles.db"))
    file = tmp_path / "file"
    file.touch()
    assert "cannot be used" in await refused(file / "profiles.db")


# Closing


async def test_to_close_leaves_one_file_with_everything(
    database: SqliteDatabase, path: Path
) -> None:
    profile = person()
    await add(SqliteProfiles(database), profile)
    await database.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    moved = path.with_name("moved.db")
    path.rename(moved)
    again = SqliteDatabase(moved)
    await again.open()
    assert await SqliteProfiles(again).get([profile.id]) == {profile.id: profile}
    await again.close()


async def test_to_close_finishes_what_was_accepted(database: SqliteDatabase) -> None:
    people = [person() for _ in range(200)]
    profiles = SqliteProfiles(database)
    writes = [asyncio.create_task(profiles.write([created(p)], atomic=True)) for p in people]
    reads = [asyncio.create_task(profiles.get([p.id])) for p in people]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes, *reads)
    await database.open()
    assert len(await profiles.get([p.id for p in people])) == 200


# Working


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
    change = created(person(owner="\ud800"))
    with pytest.raises(Invalid) as error:
        await profiles.write([change], atomic=True)
    assert isinstance(error.value.__cause__, UnicodeEncodeError)
    await add(profiles, person())


async def test_an_index_that_disagrees_is_no_conflict(database: SqliteDatabase) -> None:
    """A constraint that is not one of the port's is a failure of the store, not a refusal."""
    await database.write(
        lambda c: c.execute("CREATE UNIQUE INDEX odd ON profiles (bio) WHERE bio <> ''")
    )
    profiles = SqliteProfiles(database)
    await add(profiles, person(bio="x"))
    with pytest.raises(Unavailable):
        await profiles.write([created(person(bio="x"))], atomic=False)


async def test_what_was_erased_is_not_in_the_file(path: Path) -> None:
    database = SqliteDatabase(path)
    await database.open()
    profiles = SqliteProfiles(database)
    secret = person(name="Topsecretname", bio="Topsecretbio" * 300)
    await add(profiles, secret, *(person() for _ in range(20)))
    change = updated(secret, name="Topsecretother")
    gone = deleted(change.profile)
    await write(profiles, change, gone)
    assert await profiles.purge(gone.profile.updated_at.replace(year=2100)) == 1
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
