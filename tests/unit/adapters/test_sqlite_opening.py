"""What stands between a file and its use, where other processes are in the way."""

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest

from profilecore.adapters.sqlite.database import _to_wal
from profilecore.adapters.sqlite.schema import APPLICATION_ID, STEPS, migrate
from profilecore.errors import Unavailable


class Locked(sqlite3.Connection):
    """Cannot change its journal the first `times` times, as where another opens the same file."""

    times = 0

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if "journal_mode" in sql and self.times:
            self.times -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *args)


@pytest.fixture
def connection() -> Iterator[Locked]:
    made: Locked = sqlite3.connect(":memory:", isolation_level=None, factory=Locked)
    yield made
    made.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_a_lock_that_is_not_waited_for_by_itself_is_waited_out(connection: Locked) -> None:
    connection.times = 3
    _to_wal(connection, time.monotonic() + 60)
    assert connection.times == 0


def test_but_not_for_ever(connection: Locked) -> None:
    connection.times = 100
    began = time.monotonic()
    with pytest.raises(sqlite3.OperationalError):
        _to_wal(connection, began + 0.1)
    assert 0.05 < time.monotonic() - began < 2


def test_the_steps_are_made_once(connection: Locked) -> None:
    migrate(connection)
    made = tables(connection)
    assert {"profiles", "events", "log"} <= made
    migrate(connection)
    assert tables(connection) == made
    assert connection.execute("SELECT count(*) FROM log").fetchone() == (1,)


@pytest.mark.parametrize(("application", "step"), [(7, 0), (0, 1), (APPLICATION_ID, 1_000)])
def test_whose_file_it_is_is_looked_at_again_under_the_lock(
    connection: Locked, application: int, step: int
) -> None:
    connection.execute(f"PRAGMA application_id = {application}")
    connection.execute(f"PRAGMA user_version = {step}")
    with pytest.raises(Unavailable):
        migrate(connection)
    assert tables(connection) == set()


def test_a_file_goes_on_from_the_step_it_has_reached(
    connection: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection)
    connection.execute("INSERT INTO events VALUES (1, x'00', 'x', 1, '{}', 0, NULL)")
    steps = (*STEPS, ("CREATE TABLE added (x)",), ("INSERT INTO added VALUES (1)",))
    monkeypatch.setattr("profilecore.adapters.sqlite.schema.STEPS", steps)
    migrate(connection)
    migrate(connection)
    assert connection.execute("SELECT * FROM added").fetchall() == [(1,)]
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
