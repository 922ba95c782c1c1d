"""Group commit: who is in a group, who is refused, and what a failure takes with it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from profilecore.adapters.sqlite import writer as module
from profilecore.adapters.sqlite.writer import GROUP_MAX, Writer
from profilecore.errors import Conflict, Unavailable


class Connection(sqlite3.Connection):
    """In memory; counts the groups, and fails where it is told to."""

    commits = 0
    fail_at = ""
    failure: Exception = sqlite3.OperationalError("disk I/O error")

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql == self.fail_at:
            self.fail_at = ""
            raise self.failure
        self.commits += sql == "COMMIT"
        return super().execute(sql, *args)

    def rollback(self) -> None:
        if self.fail_at == "ROLLBACK":
            self.fail_at = ""
            raise sqlite3.OperationalError("cannot roll back")
        super().rollback()


@pytest.fixture
def connection() -> Iterator[Connection]:
    made: Connection = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, factory=Connection
    )
    made.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    yield made
    made.close()


@pytest.fixture
def writer(connection: Connection) -> Iterator[Writer]:
    made = Writer(connection)
    yield made
    made.close()


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    def job(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return job


def refuse(number: int) -> Callable[[sqlite3.Connection], int]:
    def job(connection: sqlite3.Connection) -> int:
        insert(number)(connection)
        raise Conflict("no")

    return job


def rows(connection: sqlite3.Connection) -> list[int]:
    return [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]


class Gate:
    """A job that holds the writer until it is let go."""

    def __init__(self, writer: Writer) -> None:
        self._open, self._inside = threading.Event(), threading.Event()
        self.job = asyncio.create_task(writer.run(self._hold))

    def _hold(self, _: sqlite3.Connection) -> None:
        self._inside.set()
        self._open.wait()

    async def reached(self) -> None:
        await asyncio.to_thread(self._inside.wait)

    async def open(self) -> None:
        self._open.set()
        await self.job


async def waiting(writer: Writer, *jobs: Callable[[sqlite3.Connection], int]) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(writer.run(job)) for job in jobs]
    await asyncio.sleep(0)
    return tasks


async def test_a_write_gives_what_its_job_gave(writer: Writer, connection: Connection) -> None:
    assert await writer.run(insert(7)) == 7
    assert rows(connection) == [7]
    assert not connection.in_transaction


async def test_those_who_wait_are_one_commit(writer: Writer, connection: Connection) -> None:
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, *map(insert, range(GROUP_MAX + 10)))
    await gate.open()
    assert await asyncio.gather(*tasks) == list(range(GROUP_MAX + 10))
    assert connection.commits == 3, "the gate, a full group, and the rest"


async def test_a_refusal_undoes_its_own_job_only(writer: Writer, connection: Connection) -> None:
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, insert(1), refuse(2), insert(3))
    await gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[0], results[2]) == (1, 3)
    assert isinstance(results[1], Conflict)
    assert rows(connection) == [1, 3]
    assert connection.commits == 2


async def test_a_bug_in_a_job_is_its_callers(writer: Writer, connection: Connection) -> None:
    def bug(connection: sqlite3.Connection) -> int:
        return insert(5)(connection) // 0

    with pytest.raises(ZeroDivisionError):
        await writer.run(bug)
    assert await writer.run(insert(6)) == 6
    assert rows(connection) == [6]


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
async def test_a_failed_commit_fails_all_and_keeps_nothing(
    writer: Writer, connection: Connection, statement: str
) -> None:
    """Those that were refused too: it may have been for what a job before them did."""

    def break_it(_: sqlite3.Connection) -> int:
        connection.fail_at = statement
        return 0

    gate = Gate(writer)
    await gate.reached()
    if statement == "BEGIN IMMEDIATE":
        break_it(connection)  # the gate is in its transaction already
    first = break_it if statement == "COMMIT" else insert(4)
    tasks = await waiting(writer, first, insert(1), refuse(2), insert(3))
    await gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert len({id(result) for result in results}) == len(results)
    assert all(isinstance(r.__cause__, sqlite3.Error) for r in results)
    assert await writer.run(insert(9)) == 9
    assert rows(connection) == [9]


async def test_what_nobody_thought_of_reaches_those_who_wait(
    writer: Writer, connection: Connection
) -> None:
    connection.fail_at, connection.failure = "COMMIT", RuntimeError("a bug")
    async with asyncio.timeout(1):
        with pytest.raises(RuntimeError, match="a bug"):
            await writer.run(insert(1))
    assert await writer.run(insert(1)) == 1


async def test_what_the_database_refuses_in_a_job_fails_its_group(
    writer: Writer, connection: Connection
) -> None:
    """The library may have ended the transaction already, so nothing of it is kept."""
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, insert(1), insert(1), insert(2))
    await gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert rows(connection) == []
    assert await writer.run(insert(1)) == 1


async def test_a_transaction_that_the_library_ended_is_over(
    writer: Writer, connection: Connection
) -> None:
    def end(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(Unavailable):
        await writer.run(end)
    assert await writer.run(insert(1)) == 1


async def test_a_rollback_that_fails_is_made_up_for(writer: Writer, connection: Connection) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        insert(1)(connection)
        made: Connection = connection  # type: ignore[assignment]
        made.fail_at = "ROLLBACK"
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(Unavailable):
        await writer.run(fail)
    with suppress(Unavailable):
        await writer.run(insert(2))
    assert await writer.run(insert(3)) == 3
    assert 1 not in rows(connection)


async def test_a_caller_that_is_cancelled_takes_its_job_back(
    writer: Writer, connection: Connection
) -> None:
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, insert(1), insert(2), insert(3))
    tasks[1].cancel()
    await asyncio.sleep(0)
    await gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == 1
    assert isinstance(results[1], asyncio.CancelledError)
    assert rows(connection) == [1, 3]


async def test_a_job_that_has_begun_is_finished_whoever_is_cancelled(
    writer: Writer, connection: Connection
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> int:
        inside.set()
        go_on.wait()
        return insert(1)(connection)

    task = asyncio.create_task(writer.run(slow))
    await asyncio.to_thread(inside.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await writer.run(insert(2))
    assert rows(connection) == [1, 2]


async def test_the_others_of_its_group_are_told_whoever_is_cancelled(writer: Writer) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> int:
        inside.set()
        go_on.wait()
        return insert(1)(connection)

    gate = Gate(writer)
    await gate.reached()
    gone, there = await waiting(writer, slow, insert(2))
    await gate.open()
    await asyncio.to_thread(inside.wait)
    gone.cancel()
    await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(10):
        assert await there == 2


async def test_too_many_that_wait_are_refused(
    writer: Writer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 5)
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, *map(insert, range(7)))
    await gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 2
    assert {error.retry_after for error in refused} == {2}
    assert rows(connection) == [0, 1, 2, 3, 4]
    assert await writer.run(insert(99)) == 99


async def test_who_waited_too_long_is_refused_unrun(
    writer: Writer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_MAX", 0.05)
    gate = Gate(writer)
    await gate.reached()
    late = await waiting(writer, insert(1))
    await asyncio.sleep(0.1)
    timely = await waiting(writer, insert(2))
    await gate.open()
    with pytest.raises(Unavailable):
        await late[0]
    assert await timely[0] == 2
    assert rows(connection) == [2]


async def test_to_close_finishes_what_was_accepted(connection: Connection) -> None:
    writer = Writer(connection)
    gate = Gate(writer)
    await gate.reached()
    tasks = await waiting(writer, *map(insert, range(300)))
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    await asyncio.sleep(0.02)
    assert not closing.done()
    await gate.open()
    await closing
    assert await asyncio.gather(*tasks) == list(range(300))
    assert rows(connection) == list(range(300))


async def test_nothing_is_accepted_after_the_close(connection: Connection) -> None:
    writer = Writer(connection)
    await asyncio.to_thread(writer.close)
    for _ in range(2):
        async with asyncio.timeout(1):
            with pytest.raises(Unavailable):
                await writer.run(insert(1))


async def test_a_cursor_stays_in_the_thread_that_writes(
    writer: Writer, connection: Connection
) -> None:
    """What another thread lets go of resets the statement, which may be running again by then."""
    with pytest.raises(TypeError, match="a cursor must stay"):
        await writer.run(lambda c: c.execute("INSERT INTO t VALUES (1)"))
    await writer.run(insert(2))
    assert rows(connection) == [2]
