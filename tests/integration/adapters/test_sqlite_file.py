"""The file that SQLite keeps: whose it is, who may read it, and what is wrong with it."""

# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteProfiles
from profilecore.adapters.sqlite.schema import APPLICATION_ID, STEPS
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.paging import Query
from profilecore.testing.samples import add, created, person
from tests.integration.adapters.statements import sql


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
    with closing(sqlite3.connect(path)) as connection:
        roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0")
        for (root,) in roots:  # what tables there are can still be read, so that it is opened
            content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
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
