"""Tasks in SQLite."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from profilecore.adapters.codec.tasks import (
    CLAIM,
    STEP,
    TASK,
    claim_of,
    step_columns,
    task_columns,
    task_of,
)
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.receipts import keep, now, refuse_repetition
from profilecore.ending import TOLD
from profilecore.errors import ProfilecoreError
from profilecore.order import PRIORITY_MAX, Order
from profilecore.paging import microseconds, moment
from profilecore.receipt import Repeated
from profilecore.schedule import Backlog, Claim, Claims, Mentions, TaskQuery
from profilecore.task import FINISHED, Status, Step, Task, key_taken, not_found

PURGED_AT_ONCE: Final = 500
LOOKED_AT: Final = 500
BLANKED_AT_ONCE: Final = 100

_COLUMNS: Final = TASK.split(", ")
_INSERT: Final = f"INSERT INTO tasks ({TASK}) VALUES ({', '.join(':' + c for c in _COLUMNS)})"  # noqa: S608
_UPDATE: Final = (
    f"UPDATE tasks SET {', '.join(f'{c} = :{c}' for c in STEP.split(', '))} WHERE id = :id"  # noqa: S608
)
_END: Final = "INSERT INTO endings (task_id, type, status, at) VALUES (?, ?, ?, ?)"
_BY_ID: Final = f"SELECT {TASK} FROM tasks WHERE id = ?"  # noqa: S608 - the names are our own
_BY_KEY: Final = (
    f"SELECT {TASK} FROM tasks WHERE type = ? AND unique_key = ?"  # noqa: S608
    " AND unique_key IS NOT NULL AND due_at IS NOT NULL"
)
_DUE: Final = (
    f"SELECT {CLAIM} FROM tasks WHERE priority = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?"  # noqa: S608
)
_CLAIM: Final = "UPDATE tasks SET due_at = ?, revision = revision + 1 WHERE id = ?"
_NEXT: Final = "SELECT min(due_at) FROM tasks WHERE priority = ? AND due_at IS NOT NULL"
_COUNT: Final = "SELECT count(*) FROM tasks WHERE status = ?"
# What was claimed or postponed just now is looked at again in some seconds, and counts as due.
_OLDEST: Final = """
    SELECT min(run_at) FROM (
        SELECT run_at FROM tasks WHERE status = 'queued'
        UNION ALL
        SELECT run_at FROM tasks WHERE status = 'scheduled' AND priority BETWEEN 0 AND 9
        AND due_at <= ? AND due_at IS NOT NULL
    )
"""
_PURGE: Final = """
    DELETE FROM tasks WHERE id IN (
        SELECT id FROM tasks WHERE due_at IS NULL AND updated_at < ? ORDER BY updated_at LIMIT ?
    )
"""


_MENTIONS: Final = (
    "SELECT id, instr(lower(payload), ?) > 0 FROM tasks WHERE id > ? ORDER BY id LIMIT ?"
)
# All of it: a step leaves alone what only an erasure takes away.
_REPLACE: Final = f"UPDATE tasks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)} WHERE id = :id"  # noqa: S608


class SqliteTasks:
    """The ports Tasks and TaskUpkeep on a SqliteDatabase; their clock is that of this machine."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        return await self._database.write(
            lambda connection: [add_task(connection, order, self._clock()) for order in orders]
        )

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        return await self._database.read(
            lambda connection: {i: task for i in ids if (task := _read(connection, i)) is not None}
        )

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        sql, parameters = _statement(query)
        return await self._database.read(
            lambda connection: [task_of(row) for row in connection.execute(sql, parameters)]
        )

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        return await self._database.write(
            lambda connection: {
                task_id: _take(connection, task_id, step, self._clock())
                for task_id, step in steps.items()
            }
        )

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        due = await self._database.read(_first)
        at = self._clock()
        if due is None or due > microseconds(
            at
        ):  # nothing to write, as a rule: then no flush is paid for it
            return Claims((), _next_in(due, at))
        return await self._database.write(
            lambda connection: _claim(connection, limit, lease, self._clock())
        )

    async def backlog(self) -> Backlog:
        return await self._database.read(lambda connection: _backlog(connection, self._clock()))

    async def purge(self, older_than: timedelta) -> int:
        """As the port has it, in portions, so that other writes get their turn."""
        total, purged = 0, PURGED_AT_ONCE
        while purged == PURGED_AT_ONCE:
            before = microseconds(self._clock() - older_than)
            purged = await self._database.write(partial(_purge, before))
            total += purged
        return total

    async def mentions(self, word: str, after: UUID) -> Mentions:
        parameters = (word, after.bytes, LOOKED_AT)
        rows = await self._database.read(lambda c: c.execute(_MENTIONS, parameters).fetchall())
        last = UUID(bytes=rows[-1][0]) if len(rows) == LOOKED_AT else None
        return Mentions(tuple(UUID(bytes=id_) for id_, there in rows if there), last)

    async def blank(self, ids: Collection[UUID], payload: Mapping[str, Any]) -> None:
        """As the port has it, in portions, so that other writes get their turn."""
        left = list(ids)
        while left:
            some, left = left[:BLANKED_AT_ONCE], left[BLANKED_AT_ONCE:]
            await self._database.write(partial(_blank, some, payload, self._clock()))


def _read(connection: sqlite3.Connection, task_id: UUID) -> Task | None:
    row = connection.execute(_BY_ID, (task_id.bytes,)).fetchone()
    return None if row is None else task_of(row)


def add_task(connection: sqlite3.Connection, order: Order, at: datetime) -> Task | ProfilecoreError:
    """Add one task, in the transaction that the caller is in."""
    try:
        refuse_repetition(connection, order.receipt, at)
    except Repeated as repeated:
        return repeated
    there = _read(connection, order.id)
    if there is not None:
        return there
    twin = connection.execute(_BY_KEY, (order.type, order.unique_key)).fetchone()
    try:
        task = order.task(at)
    except ProfilecoreError as refusal:
        return refusal
    if twin is not None:
        return task_of(twin)
    connection.execute(_INSERT, {"id": task.id.bytes, **task_columns(task)})
    keep(connection, order.receipt, at)
    return task


def _take(
    connection: sqlite3.Connection, task_id: UUID, step: Step, at: datetime
) -> Task | ProfilecoreError:
    before = _read(connection, task_id)
    if before is None:
        return not_found(task_id)
    try:
        after = step(before, at)
    except ProfilecoreError as refusal:
        return refusal
    if before.finished and not after.finished:
        twin = connection.execute(_BY_KEY, (after.type, after.unique_key)).fetchone()
        if twin is not None:
            return key_taken(after)
    connection.execute(_UPDATE, {"id": task_id.bytes, **step_columns(after)})
    if after.status in TOLD:
        ending = (task_id.bytes, after.type, after.status, microseconds(after.updated_at))
        connection.execute(_END, ending)
    return after


def _first(connection: sqlite3.Connection) -> int | None:
    """When the next task is due, by the index alone."""
    found = (connection.execute(_NEXT, (p,)).fetchone()[0] for p in range(PRIORITY_MAX + 1))
    return min((due_at for due_at in found if due_at is not None), default=None)


def _claim(connection: sqlite3.Connection, limit: int, lease: timedelta, at: datetime) -> Claims:
    claims: list[Claim] = []
    now, until = microseconds(at), at + lease
    for priority in range(PRIORITY_MAX, -1, -1):
        rows = connection.execute(_DUE, (priority, now, limit - len(claims))).fetchall()
        claims += [replace(claim_of(row), due_at=until) for row in rows]
    moved = [(microseconds(until), claim.id.bytes) for claim in claims]
    connection.executemany(_CLAIM, moved)
    return Claims(tuple(claims), _next_in(_first(connection), at))


def _next_in(due_at: int | None, at: datetime) -> timedelta | None:
    return None if due_at is None else max(timedelta(0), moment(due_at) - at)


def _statement(query: TaskQuery) -> tuple[str, list[Any]]:
    filters = {
        "id < ?": None if query.after is None else query.after.bytes,
        "status = ?": query.status,
        "type = ?": query.type,
    }
    given = {text: value for text, value in filters.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    sql = f"SELECT {TASK} FROM tasks {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
    return sql, [*given.values(), query.limit]


def _purge(before: int, connection: sqlite3.Connection) -> int:
    return connection.execute(_PURGE, (before, PURGED_AT_ONCE)).rowcount


def _blank(
    ids: Collection[UUID], payload: Mapping[str, Any], at: datetime, connection: sqlite3.Connection
) -> None:
    for task_id in ids:
        before = _read(connection, task_id)
        if before is not None:
            after = before.blanked(at, payload)
            connection.execute(_REPLACE, {"id": task_id.bytes, **task_columns(after)})


def _backlog(connection: sqlite3.Connection, at: datetime) -> Backlog:
    counts = {
        status: connection.execute(_COUNT, (status,)).fetchone()[0]
        for status in Status
        if status not in FINISHED
    }
    soon = microseconds(at) + 15_000_000
    (oldest,) = connection.execute(_OLDEST, (soon,)).fetchone()
    due_for = timedelta(0) if oldest is None else at - moment(oldest)
    return Backlog(counts, max(timedelta(0), due_for))
