"""Profiles in SQLite."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from profilecore.adapters.codec import PROFILE, columns_of, encode_data, profile_of
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.adapters.sqlite.receipts import keep, now, refuse_repetition
from profilecore.adapters.sqlite.tasks import add_task
from profilecore.errors import Conflict, ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Count, Page, Query, Sort, microseconds
from profilecore.profile import Profile
from profilecore.receipt import Receipt

PURGED_AT_ONCE: Final = 500

_COLUMNS: Final = (*PROFILE.split(", "), "name_key", "email_key")
_INSERT: Final = (
    f"INSERT INTO profiles ({', '.join(_COLUMNS)})"  # noqa: S608 - the names are our own
    f" VALUES ({', '.join(':' + column for column in _COLUMNS)})"
)
_UPDATE: Final = (
    f"UPDATE profiles SET {', '.join(f'{c} = :{c}' for c in _COLUMNS if c != 'id')}"  # noqa: S608
    " WHERE id = :id AND version = :replaces"
)
_APPEND: Final = (
    "INSERT INTO events (profile_id, type, version, data, at, actor) VALUES (?, ?, ?, ?, ?, ?)"
)
_BY_ID: Final = f"SELECT {PROFILE} FROM profiles WHERE id = ?"  # noqa: S608
_BY_EMAIL: Final = f"SELECT {PROFILE} FROM profiles WHERE email_key = ? AND deleted_at IS NULL"  # noqa: S608
_VERSION: Final = "SELECT version FROM profiles WHERE id = ?"
_STAYS: Final = """
    SELECT EXISTS (SELECT 1 FROM image_uses WHERE image_id = :id)
        OR EXISTS (SELECT 1 FROM image_holds WHERE image_id = :id AND holder <> '')
"""
_DISOWN: Final = """
    UPDATE events SET actor = NULL WHERE profile_id = ?1 AND actor IN (
        SELECT owner FROM profiles WHERE id = ?1
        UNION ALL
        SELECT json_extract(data, '$.owner') FROM events WHERE profile_id = ?1
    )
"""
_TAKEN: Final = "SELECT 1 FROM profiles WHERE email_key = ? AND deleted_at IS NULL AND id <> ?"


class SqliteProfiles:
    """The Profiles port on a SqliteDatabase; `clock` dates tasks and receipts."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        return await self._database.read(lambda connection: _get(connection, ids)) if ids else {}

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return await self._database.read(lambda connection: _list(connection, query))

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        if not changes and receipt is None:
            return []
        return await self._database.write(
            lambda connection: _write_once(connection, changes, atomic, receipt, self._clock())
        )

    async def purge(self, deleted_before: datetime) -> int:
        """As the port has it, in portions, so that other writes get their turn."""
        total = 0
        while True:
            purged = await self._database.write(lambda c: _purge(c, microseconds(deleted_before)))
            total += purged
            if purged < PURGED_AT_ONCE:
                return total

    async def erase(self, ids: Collection[UUID]) -> int:
        keys = [(profile_id.bytes,) for profile_id in set(ids)]
        return await self._database.write(lambda c: _erase(c, keys)) if keys else 0


def statement(query: Query) -> tuple[str, list[Any]]:
    """The page that `query` asks for, by sort, cursor and `q`, with one row more than its limit."""
    where, parameters = _filter(query)
    column = "name_key" if query.sort is Sort.NAME else query.sort.field
    direction, comparison = ("DESC", "<") if query.sort.descending else ("ASC", ">")
    if query.after is not None:
        where += f" AND ({column}, id) {comparison} (?, ?)"
        parameters += [query.after.key, query.after.id.bytes]
    order = f"{column} {direction}, id {direction}"
    sql = f"SELECT {PROFILE} FROM profiles WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
    return sql, [*parameters, query.limit + 1]


def _filter(query: Query) -> tuple[str, list[Any]]:
    where, parameters = "deleted_at IS NULL", list[Any]()
    if query.owner is not None:
        where, parameters = f"{where} AND owner = ?", [query.owner]
    if query.q is not None:
        where += " AND (instr(name_key, ?) OR instr(email_key, ?))"
        parameters += query.needles
    return where, parameters


def _get(connection: sqlite3.Connection, ids: Collection[UUID]) -> dict[UUID, Profile]:
    rows = (connection.execute(_BY_ID, (profile_id.bytes,)).fetchone() for profile_id in ids)
    return {profile.id: profile for profile in map(profile_of, filter(None, rows))}


def _list(connection: sqlite3.Connection, query: Query) -> Page:
    if query.ids is not None:
        return query.page(_get(connection, query.ids).values())
    if query.email is not None:
        return query.page(map(profile_of, connection.execute(_BY_EMAIL, (query.email_key,))))
    total = None
    if query.count is not Count.NONE:
        where, parameters = _filter(query)
        sql = f"SELECT count(*) FROM profiles WHERE {where}"  # noqa: S608
        (total,) = connection.execute(sql, parameters).fetchone()
    found = [profile_of(row) for row in connection.execute(*statement(query))]
    return Page.cut(found, query, total)


def _write_once(
    connection: sqlite3.Connection,
    changes: Sequence[Change],
    atomic: bool,
    receipt: Receipt | None,
    at: datetime,
) -> list[Event | ProfilecoreError]:
    refuse_repetition(connection, receipt, at)
    outcomes = _write(connection, changes, atomic, at)
    changed = any(isinstance(outcome, Event) for outcome in outcomes)
    if receipt is not None and (changed or receipt.always):
        marks = [c.mark(o) for c, o in zip(changes, outcomes, strict=True)]
        keep(connection, receipt, at, marks)
    return outcomes


def _write(
    connection: sqlite3.Connection, changes: Sequence[Change], atomic: bool, at: datetime
) -> list[Event | ProfilecoreError]:
    outcomes: list[Event | ProfilecoreError] = []
    for index, change in enumerate(changes):
        refusal = _store(connection, change)
        if refusal is None:
            outcomes.append(_append(connection, change))
            for order in change.orders:
                add_task(connection, order, at)
        elif atomic:
            refusal.item = index
            raise refusal
        else:
            outcomes.append(refusal)
    return outcomes


def _store(connection: sqlite3.Connection, change: Change) -> Conflict | None:
    """Try first: only a write that the tables refuse has to find out why."""
    images = change.profile.images
    if not all(connection.execute(_STAYS, {"id": i.id}).fetchone()[0] for i in images):
        return _refusal(connection, change) or change.image_gone
    row = {"id": change.profile.id.bytes, **columns_of(change.profile)}
    try:
        if change.replaces == 0:
            connection.execute(_INSERT, row)
            return None
        row["replaces"] = change.replaces
        if connection.execute(_UPDATE, row).rowcount:
            return None
    except sqlite3.IntegrityError:
        refusal = _refusal(connection, change)
        if refusal is None:
            raise
        return refusal
    return _refusal(connection, change)


def _refusal(connection: sqlite3.Connection, change: Change) -> Conflict | None:
    profile = change.profile
    stored = connection.execute(_VERSION, (profile.id.bytes,)).fetchone()
    taken = connection.execute(_TAKEN, (profile.email_key, profile.id.bytes)).fetchone()
    return change.refusal(stored[0] if stored else None, email_taken=taken is not None)


def _append(connection: sqlite3.Connection, change: Change) -> Event:
    event = change.event(0)
    values = (
        event.profile_id.bytes,
        event.type,
        event.version,
        encode_data(event.data),
        microseconds(event.at),
        event.actor,
    )
    position = connection.execute(_APPEND, values).lastrowid
    return change.event(position or 0)


def _purge(connection: sqlite3.Connection, deleted_before: int) -> int:
    sql = "SELECT id FROM profiles WHERE deleted_at < ? AND deleted_at IS NOT NULL LIMIT ?"
    return _forget(connection, connection.execute(sql, (deleted_before, PURGED_AT_ONCE)).fetchall())


def _erase(connection: sqlite3.Connection, ids: Sequence[tuple[bytes]]) -> int:
    sql = "SELECT 1 FROM profiles WHERE id = ? AND deleted_at IS NULL"
    return _forget(connection, [id_ for id_ in ids if not connection.execute(sql, id_).fetchone()])


def _forget(connection: sqlite3.Connection, ids: Sequence[tuple[bytes]]) -> int:
    connection.executemany(_DISOWN, ids)
    removed = connection.executemany("DELETE FROM profiles WHERE id = ?", ids).rowcount
    connection.executemany("UPDATE events SET data = '{}' WHERE profile_id = ?", ids)
    return max(removed, 0)  # -1 where there was no id
