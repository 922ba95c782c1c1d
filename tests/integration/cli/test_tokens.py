"""`profilecore tokens`: making, showing and revoking them, and what is told of mistakes."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from profilecore import Denied
from profilecore.adapters.sqlite import SqliteDatabase, SqliteTokens
from profilecore.token import parsed
from profilecore.tokens import TokenAuthenticator
from tests.integration.cli.conftest import Run, assert_helped

UNKNOWN = "0198c5a0-0000-7000-8000-000000000000"
HEAD = ("ID", "NAME", "SUBJECT", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "STATE")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def said_in_one_line(done: "subprocess.CompletedProcess[str]", text: str) -> None:
    assert done.stdout == ""
    assert done.stderr.startswith("profilecore: ")
    assert done.stderr.count("\n") == 1
    assert text in done.stderr


def created(run: Run, *arguments: str) -> str:
    """The text of a new token."""
    done = run("tokens", "create", *arguments)
    assert done.returncode == 0, done
    return done.stdout.removesuffix("\n")


def id_of(text: str) -> UUID:
    shown = parsed(text)
    assert shown is not None, text
    return shown[0]


def listed(run: Run) -> list[dict[str, Any]]:
    done = run("tokens", "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_help_has_examples(run: Run, command: str) -> None:
    assert_helped(run, "tokens", command)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lst",), "No such command 'lst'"),
        (("create",), "Missing argument 'NAME'"),
        (("create", "x"), "give a --scope, or a --subject for none"),
        (("create", "x", "--scope", "read"), "'profiles:read', 'profiles:write', 'profiles:erase'"),
        (("create", "x", "--scope", ""), "'tasks:read', 'tasks:write', 'ops'"),
        (("create", "", "--scope", "ops"), "name must be 1 to 100 characters of one line"),
        (("create", "two\nlines", "--scope", "ops"), "name must be 1 to 100 characters"),
        (("create", "\udcff", "--scope", "ops"), "name must be 1 to 100 characters"),
        (("create", "x", "--subject", " "), "subject must be 1 to 255 characters of one line"),
        (("create", "x", "--scope", "ops", "--expires", "soon"), "such as 12h or 90d"),
        (("create", "x", "--scope", "ops", "--expires", "0s"), "such as 12h or 90d"),
        (("create", "x", "--scope", "ops", "--expires", "99999d"), "such as 12h or 90d"),
        (("revoke",), "Missing argument 'ID'"),
        (("revoke", "deploy"), "is no id as the list shows it"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run("tokens", *arguments)
    assert done.returncode == 2, done
    said_in_one_line(done, said)
    assert not (tmp_path / "data").exists()


def test_a_store_that_ends_with_the_command(run: Run) -> None:
    for command in (("create", "x", "--scope", "ops"), ("list",), ("revoke", UNKNOWN)):
        done = run("tokens", *command, DATABASE="memory")
        assert done.returncode == 2
        said_in_one_line(done, "DATABASE is 'memory'")


def test_a_token_is_shown_once_and_alone(run: Run, tmp_path: Path) -> None:
    done = run("tokens", "create", "ci", "--scope", "ops")
    assert done.returncode == 0
    text = done.stdout.removesuffix("\n")
    token_id = id_of(text)
    said = f"token {token_id} is valid until it is revoked; its text is shown this once."
    assert done.stderr == f"profilecore: {said}\n"
    secret = text[-43:]
    for command in (("tokens", "list"), ("tokens", "list", "--json")):
        shown = run(*command)
        assert str(token_id) in shown.stdout
        assert secret not in shown.stdout + shown.stderr
    for file in (tmp_path / "data").iterdir():
        assert secret.encode() not in file.read_bytes(), file.name


def test_what_was_asked_for_is_what_it_is(run: Run) -> None:
    began = datetime.now(UTC)
    all_of_it = (
        *("Ada, on her phone ☎", "--subject", "ada|1", "--expires", "90d"),
        *("--scope", "tasks:read", "--scope", "profiles:read", "--scope", "tasks:read"),
    )
    done = run("tokens", "create", *all_of_it)
    full = id_of(done.stdout.strip())
    own = id_of(created(run, "own", "--subject", "ada"))
    plain = id_of(created(run, "plain", "--scope", "profiles:erase"))
    third, second, first = listed(run)
    made, ends = (datetime.fromisoformat(first[name]) for name in ("created_at", "expires_at"))
    assert began <= made <= datetime.now(UTC)
    assert ends - made == timedelta(days=90)
    assert f"is valid until {ends:%Y-%m-%dT%H:%M:%SZ};" in done.stderr
    assert first == {
        "id": str(full),
        "name": "Ada, on her phone ☎",
        "subject": "ada|1",
        "scopes": ["profiles:read", "tasks:read"],
        "created_at": first["created_at"],
        "expires_at": first["expires_at"],
        "revoked_at": None,
        "used_at": None,
        "state": "valid",
    }
    assert (second["id"], second["subject"], second["scopes"]) == (str(own), "ada", [])
    assert (third["subject"], third["scopes"]) == (f"token:{plain}", ["profiles:erase"])
    assert third["expires_at"] is None


def test_list(run: Run) -> None:
    none = run("tokens", "list")
    assert re.split("  +", none.stdout.strip()) == list(HEAD)
    assert listed(run) == []
    one = id_of(created(run, "ci", "--scope", "tasks:read", "--scope", "ops"))
    # A name that would turn what follows it round, on a terminal.
    own = id_of(created(run, "phone \u202e", "--subject", "ada", "--expires", "1h"))
    done = run("tokens", "list")
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second = done.stdout.splitlines()
    assert re.fullmatch(
        rf"{own}  phone \\u202e  ada {{2,}}-  +{TIME}  {TIME}  - {{2,}}valid", first
    ), first
    assert re.fullmatch(
        rf"{one}  ci {{2,}}token:{one}  ops,tasks:read  {TIME}  - {{2,}}- {{2,}}valid", second
    ), second
    assert head.index("STATE") == first.index("valid") == second.index("valid")


def test_revoke(run: Run) -> None:
    text, other = (created(run, "ci", "--scope", "ops") for _ in range(2))
    done = run("tokens", "revoke", str(id_of(text)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{id_of(text)} revoked\n"
    before = {row["id"]: row for row in listed(run)}
    assert before[str(id_of(text))]["state"] == "revoked"
    assert before[str(id_of(other))]["state"] == "valid"
    again = run("tokens", "revoke", str(id_of(text)))
    assert again.returncode == 0
    assert {row["id"]: row for row in listed(run)} == before
    assert run("tokens", "list").stdout.splitlines()[2].endswith("  revoked")


def test_what_is_not_there_cannot_be_revoked(run: Run) -> None:
    done = run("tokens", "revoke", UNKNOWN)
    assert done.returncode == 1
    said_in_one_line(done, f"There is no token {UNKNOWN}.")


def test_the_text_of_a_token_is_no_id_and_not_repeated(run: Run) -> None:
    text = created(run, "ci", "--scope", "ops")
    done = run("tokens", "revoke", text)
    assert done.returncode == 2
    said_in_one_line(done, "is no id as the list shows it")
    assert text[-43:] not in done.stderr
    assert [row["state"] for row in listed(run)] == ["valid"]


async def test_what_the_commands_do_is_what_a_service_goes_by(run: Run, tmp_path: Path) -> None:
    text = created(run, "ci", "--scope", "ops", "--expires", "1h")
    database = SqliteDatabase(tmp_path / "data" / "profiles.db")
    await database.open()
    tokens = SqliteTokens(database)
    caller = await TokenAuthenticator(tokens).authenticate(text)
    assert caller.subject == f"token:{id_of(text)}"
    used_at = datetime.now(UTC)
    await tokens.used({id_of(text): used_at})
    (row,) = listed(run)
    assert datetime.fromisoformat(row["used_at"]) == used_at
    late = TokenAuthenticator(tokens, clock=lambda: used_at + timedelta(hours=1))
    with pytest.raises(Denied, match="expired"):
        await late.authenticate(text)
    run("tokens", "revoke", str(id_of(text)))
    with pytest.raises(Denied, match="revoked"):
        await TokenAuthenticator(tokens).authenticate(text)
    await database.close()


def test_a_token_that_has_expired_says_so(run: Run) -> None:
    text = created(run, "short", "--scope", "ops", "--expires", "1s")
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while (state := listed(run)[0]["state"]) == "valid":
        assert datetime.now(UTC) < deadline
    assert state == "expired"
    assert run("tokens", "revoke", str(id_of(text))).returncode == 0
    assert listed(run)[0]["state"] == "revoked"
