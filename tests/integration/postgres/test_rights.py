"""The rights that the page on PostgreSQL gives are enough, and the service has no more."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from profilecore.adapters.postgres import PostgresAddress, PostgresLog, PostgresProfiles
from profilecore.testing.samples import (
    AT,
    add,
    deleted,
    person,
    write,
)
from tests.support.http import PROFILES
from tests.support.postgres import execute, settings, using
from tests.support.processes import run, serving

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "run-with-postgresql.md"
_numbers = count(1)
ROLES = ("profiles_owner", "profiles_service")


def statements(name: str) -> list[list[str]]:
    """The blocks of SQL on the page, for roles and a database of the test's own."""
    text = re.sub(r"\b(profiles_(owner|service))\b", rf"\1_{name}", PAGE.read_text())
    text = text.replace("DATABASE profiles ", f"DATABASE {name} ")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    return [[s.strip() for s in block.split(";") if s.strip()] for block in blocks]


@pytest.fixture
def roles(server: PostgresAddress, tmp_path: Path) -> Iterator[dict[str, PostgresAddress]]:
    """A database as the page makes it, and who uses it."""
    name = f"rights_{os.getpid()}_{next(_numbers)}"
    make, allow, forbid, timeout = statements(name)
    passwords = dict(zip(ROLES, ("choose one", "and another one"), strict=True))
    roles = {
        role: replace(server, name=name, user=f"{role}_{name}", password=password)
        for role, password in passwords.items()
    }
    execute(server, *make)
    try:
        execute(roles["profiles_owner"], *allow)
        owner = settings(roles["profiles_owner"])
        assert run(tmp_path, "migrate", "up", **owner).returncode == 0
        execute(roles["profiles_owner"], *forbid)
        execute(server, *timeout)
        yield roles
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")
        execute(server, *(f"DROP ROLE {address.user}" for address in roles.values()))


async def test_the_service_works_with_them(
    tmp_path: Path, roles: dict[str, PostgresAddress]
) -> None:
    service = roles["profiles_service"]
    (tmp_path / "people.ndjson").write_text('{"name": "Ada", "email": "ada@example.com"}\n')
    given = settings(service)
    for command in (
        *("migrate check", "import people.ndjson", "seed --count 30", "export"),
        *("tokens create ci --scope ops", "tokens list"),
    ):
        ended = run(tmp_path, *command.split(), **given)
        assert (ended.returncode, "rejected" in ended.stderr) == (0, False), ended.stderr
    with serving(tmp_path / "server", **given) as (_, client):
        made = client.post(PROFILES, json={"name": "Bob", "email": "bob@example.com"})
        path = f"{PROFILES}/{made.json()['id']}"
        params = {"q": "bob", "count": "estimated"}
        for answer in (
            made,
            client.get(PROFILES, params=params),
            client.put(path, json={"bio": "x"}),
            client.delete(path),
            client.get(f"{path}/events"),
            client.get("/health/ready"),
        ):
            assert answer.is_success, answer.text
    async with using(service) as database:
        profiles, gone = PostgresProfiles(database), person()
        await add(profiles, gone)
        await write(profiles, deleted(gone, AT + timedelta(days=1)))
        assert await profiles.purge(AT + timedelta(days=2)) == 1
        assert await profiles.erase([gone.id]) == 0
        assert await PostgresLog(database).trim(AT + timedelta(days=36_500)) > 30


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE profiles",
        "ALTER TABLE profiles ADD COLUMN more text",
        "CREATE TABLE more ()",
        "TRUNCATE events",
        "DELETE FROM profilecore_migrations",
        "CREATE OR REPLACE FUNCTION profilecore_estimate(name_like text, email_like text)"
        " RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ],
)
def test_the_service_cannot_change_the_tables(
    roles: dict[str, PostgresAddress], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(roles["profiles_service"], statement)


def test_migrating_as_the_service_is_refused_in_one_line(
    tmp_path: Path, roles: dict[str, PostgresAddress]
) -> None:
    execute(roles["profiles_owner"], "DELETE FROM profilecore_migrations WHERE number = 3")
    ended = run(tmp_path, "migrate", "up", **settings(roles["profiles_service"]))
    line = "profilecore: The database refused it: check what its user may do.\n"
    assert (ended.returncode, ended.stderr) == (3, line)
