"""How a database comes to have the tables, by the command as a deployment runs it."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from profilecore.adapters.postgres import (
    Migrations,
    PostgresAddress,
    PostgresProfiles,
)
from profilecore.adapters.postgres.migrate import Step, steps
from profilecore.errors import Conflict, Unavailable
from profilecore.paging import Query
from profilecore.testing.samples import add, person
from tests.support.forking import COMMAND
from tests.support.postgres import execute, settings, using
from tests.support.processes import environment, run

ALL = "".join(f"{step.number:04} {step.name}: applied\n" for step in steps())


def test_up_is_safe_where_three_processes_start_at_once(
    tmp_path: Path, bare: PostgresAddress
) -> None:
    started = [
        subprocess.Popen(
            [COMMAND, "migrate", "up"],
            cwd=tmp_path,
            env=environment(**settings(bare)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outputs
    applied = [line for out, _ in outputs for line in out.splitlines() if ": applied" in line]
    assert sorted(applied) == ALL.splitlines()
    assert execute(bare, "SELECT count(*) FROM profilecore_migrations") == [(len(steps()),)]


def test_status_and_check_say_what_is_to_be_done(tmp_path: Path, bare: PostgresAddress) -> None:
    given = settings(bare)
    status = run(tmp_path, "migrate", "status", **given)
    assert (status.returncode, status.stdout) == (0, ALL.replace("applied", "pending"))
    check = run(tmp_path, "migrate", "check", **given)
    assert (check.returncode, check.stdout) == (1, "")
    assert check.stderr.startswith("profilecore: 0001 profiles_and_log is pending")
    assert run(tmp_path, "migrate", "up", **given).stdout == ALL
    assert run(tmp_path, "migrate", "check", **given).returncode == 0
    assert run(tmp_path, "migrate", "status", **given).stdout == ALL
    assert run(tmp_path, "migrate", "up", **given).stdout.startswith("nothing to do")


def test_a_changed_step_is_refused(tmp_path: Path, address: PostgresAddress) -> None:
    execute(address, "UPDATE profilecore_migrations SET checksum = 'x' WHERE number = 2")
    given = settings(address)
    check = run(tmp_path, "migrate", "check", **given)
    assert (check.returncode, check.stderr) == (1, "profilecore: 0002 write is changed\n")
    up = run(tmp_path, "migrate", "up", **given)
    assert up.returncode == 1
    assert up.stderr.startswith("profilecore: Step 0002 write is not the one that was applied")


def test_a_step_of_a_later_release_disturbs_nobody(
    tmp_path: Path, address: PostgresAddress
) -> None:
    note = "INSERT INTO profilecore_migrations VALUES (9999, 'more', 'x')"
    execute(address, note, "ALTER TABLE profiles ADD COLUMN more text")
    given = settings(address)
    assert run(tmp_path, "migrate", "status", **given).stdout == f"{ALL}9999 more: later\n"
    assert run(tmp_path, "migrate", "check", **given).returncode == 0
    assert run(tmp_path, "seed", "--count", "10", **given).returncode == 0


def test_migrate_is_for_postgres(tmp_path: Path) -> None:
    ended = run(tmp_path, "migrate", "up", DATABASE="sqlite")
    assert (ended.returncode, ended.stderr) == (
        2,
        "profilecore: DATABASE is 'sqlite'; `migrate` is for postgres.\n",
    )
    assert "check" in run(tmp_path, "migrate").stdout


async def test_a_step_that_fails_leaves_nothing_behind(bare: PostgresAddress) -> None:
    broken = [Step(1, "one", "CREATE TABLE one ()"), Step(2, "two", "CREATE TABLE two (); SELEC")]
    with pytest.raises(Unavailable, match=r"Step 0002 two failed.*SELEC"):
        await Migrations(bare, known=broken).up()
    assert execute(bare, "SELECT to_regclass('one'), to_regclass('two')") == [("one", None)]
    mended = [broken[0], Step(2, "two", "CREATE TABLE two ()")]
    assert await Migrations(bare, known=mended).up() == mended[1:]


async def test_a_step_does_not_wait_for_a_table_for_long(bare: PostgresAddress) -> None:
    """Whoever waits for a table holds up all who come after."""
    first = Step(1, "one", "CREATE TABLE one ()")
    await Migrations(bare, known=[first]).up()
    second = Step(2, "two", "ALTER TABLE one ADD COLUMN two text")
    with psycopg.connect(bare.conninfo()) as reader:
        reader.execute("SELECT FROM one")
        with pytest.raises(Unavailable, match=r"0002 two failed.*500ms, 5 times; run it again"):
            await asyncio.wait_for(Migrations(bare, known=[first, second]).up(), 15)
    assert await Migrations(bare, known=[first, second]).up() == [second]


@pytest.fixture
def stranger(server: PostgresAddress, bare: PostgresAddress) -> Iterator[PostgresAddress]:
    """A user who may make tables, and no extension."""
    name = f"stranger_{bare.name}"
    execute(server, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    execute(bare, f"GRANT CREATE ON SCHEMA public TO {name}")
    yield replace(bare, user=name, password="x")
    execute(bare, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


async def test_without_the_right_to_make_extensions_all_works(stranger: PostgresAddress) -> None:
    await Migrations(stranger).up()
    assert execute(stranger, "SELECT to_regclass('profiles_text')") == [(None,)]
    async with using(stranger) as database:
        profiles = PostgresProfiles(database)
        ada = person(name="Ada Lovelace")
        await add(profiles, ada, person())
        assert (await profiles.list(Query(q="love"))).profiles == (ada,)


async def test_a_step_cannot_be_changed_while_two_look(bare: PostgresAddress) -> None:
    """Two releases at once: the one that comes second sees what the first has done."""
    one, other = [Step(1, "one", "SELECT pg_sleep(0.3)")], [Step(1, "one", "SELECT 1")]
    results = await asyncio.gather(
        Migrations(bare, known=one).up(),
        Migrations(bare, known=other).up(),
        return_exceptions=True,
    )
    assert [isinstance(result, Conflict) for result in results].count(True) == 1
