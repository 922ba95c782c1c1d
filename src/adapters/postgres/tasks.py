"""Tasks in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from profilecore.adapters.codec.tasks import TASK, claim_of, encode_json, task_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.group import Group
from profilecore.adapters.postgres.task_writes import Job, Outcomes, added, stepped, together
from profilecore.errors import ProfilecoreError
from profilecore.order import Order
from profilecore.schedule import Backlog, Claims, Mentions, TaskQuery
from profilecore.task import Status, Step, Task

PURGED_AT_ONCE: Final = 500
LOOKED_AT: Final = 500
COUNTED_MAX: Final = 100_000
WAIT_MAX: Final = 4.0
STEPS_AT_ONCE: Final = 3

_MICROSECOND: Final = timedelta(microseconds=1)
_BY_ID: Final = f"SELECT {TASK} FROM tasks WHERE id = ANY(%s)"  # noqa: S608 - the names are our own
_CLAIM: Final = "SELECT * FROM profilecore_claim(%s, %s)"
_BACKLOG: Final = "SELECT * FROM profilecore_backlog(%s)"
_PURGE: Final = "SELECT profilecore_purge_tasks(%s, %s)"

# By the C locale, which changes the letters of ASCII alone, and is fast.
_MENTIONS: Final = """
    SELECT id, strpos(lower(payload COLLATE "C"), %s) > 0 FROM tasks
    WHERE id > %s ORDER BY id LIMIT %s
"""
_BLANK: Final = """
    UPDATE tasks SET
        payload = %(payload)s, result = 'null', errors = '[]', unique_key = NULL, trace = '{}',
        status = CASE WHEN status = 'succeeded' THEN status ELSE 'cancelled' END,
        updated_at = CASE WHEN due_at IS NULL THEN updated_at ELSE profilecore_now() END,
        due_at = NULL, cancelling = false, revision = revision + 1
    WHERE id = %(id)s AND (
        status NOT IN ('succeeded', 'cancelled') OR payload <> %(payload)s OR result <> 'null'
        OR errors <> '[]' OR unique_key IS NOT NULL OR trace <> '{}'
    )
    RETURNING id
"""


class PostgresTasks:
    """The ports Tasks and TaskUpkeep on a PostgresDatabase, whose clock is theirs.

    Steps that wait at the same time are one read and one write; of those at most `STEPS_AT_ONCE`
    are under way. Counts stop at `COUNTED_MAX`.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._adding = Group[Sequence[Order], Outcomes](together(database, added), WAIT_MAX)
        self._stepping = Group[Sequence[Job], Outcomes](
            together(database, partial(stepped, {})), WAIT_MAX, at_once=STEPS_AT_ONCE
        )

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        return await self._adding.send(orders, len(orders)) if orders else []

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        rows = await self._database.fetch(_BY_ID, (list(ids),)) if ids else []
        return {task.id: task for task in map(task_of, rows)}

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return [task_of(row) for row in await self._database.fetch(*statement(query))]

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        jobs = [Job(task_id, step) for task_id, step in steps.items()]
        outcomes = await self._stepping.send(jobs, len(jobs)) if jobs else []
        return dict(zip(steps, outcomes, strict=True))

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        rows = await self._database.fetch(_CLAIM, (limit, lease // _MICROSECOND))
        next_in = rows[0][0]
        return Claims(
            tuple(claim_of(row[1:]) for row in rows if row[1] is not None),
            None if next_in is None else timedelta(microseconds=next_in),
        )

    async def backlog(self) -> Backlog:
        ((oldest, counts),) = await self._database.fetch(_BACKLOG, (COUNTED_MAX,))
        counted = msgspec.json.decode(counts, type=dict[Status, int])
        return Backlog(counted, timedelta(microseconds=oldest))

    async def purge(self, older_than: timedelta) -> int:
        """As the port has it, in portions, so that each ends in time."""
        total, purged = 0, PURGED_AT_ONCE
        while purged == PURGED_AT_ONCE:
            parameters = (older_than // _MICROSECOND, PURGED_AT_ONCE)
            ((purged,),) = await self._database.fetch(_PURGE, parameters)
            total += purged
        return total

    async def mentions(self, word: str, after: UUID) -> Mentions:
        rows = await self._database.fetch(_MENTIONS, (word, after, LOOKED_AT))
        last = rows[-1][0] if len(rows) == LOOKED_AT else None
        return Mentions(tuple(task_id for task_id, there in rows if there), last)

    async def blank(self, ids: Collection[UUID], payload: Mapping[str, Any]) -> None:
        text = encode_json(payload)
        # One by one: who steps several of them meanwhile is not waited for in a circle.
        for task_id in ids:
            await self._database.fetch(_BLANK, {"id": task_id, "payload": text})


def statement(query: TaskQuery) -> tuple[str, tuple[Any, ...]]:
    """The list that `query` asks for."""
    filters = {"id < %s": query.after, "status = %s": query.status, "type = %s": query.type}
    given = {text: value for text, value in filters.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    sql = f"SELECT {TASK} FROM tasks {where} ORDER BY id DESC LIMIT %s"  # noqa: S608
    return sql, (*given.values(), query.limit)
