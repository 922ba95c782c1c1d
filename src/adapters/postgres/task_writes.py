"""Writes of tasks: those that wait at the same time are one call each way."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from profilecore.adapters.codec.tasks import (
    TASK,
    encode_json,
    step_columns,
    task_columns,
    task_of,
)
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.errors import HELD
from profilecore.adapters.postgres.receipts import receipt_of, repeated
from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.order import Order
from profilecore.paging import moment
from profilecore.receipt import Receipt, Repeated
from profilecore.task import Status, Step, Task, kept_changing, key_taken, not_found

TRIES: Final = 8
KNOWN_MAX: Final = 1_000  # as many as a process may run at once

W = TypeVar("W")

Outcome: TypeAlias = Task | ProfilecoreError
Outcomes: TypeAlias = Sequence[Outcome]
_Key: TypeAlias = UUID | tuple[str, str | None]

_THERE: Final = f"""
    SELECT {TASK} FROM tasks WHERE id = ANY(%s) OR (
        unique_key IS NOT NULL AND due_at IS NOT NULL
        AND (type, unique_key) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    )
"""  # noqa: S608
# The time comes also where no row does.
_DATED: Final = f"""
    SELECT profilecore_now(), {TASK} FROM (SELECT) one LEFT JOIN tasks ON id = ANY(%s)
"""  # noqa: S608
_ADD: Final = "SELECT profilecore_add_tasks(%s::jsonb)"
_ADD_ONCE: Final = "SELECT id, kept FROM profilecore_add_tasks_once(%s::jsonb)"
_STEP: Final = "SELECT profilecore_step_tasks(%s::jsonb)"


class Job(NamedTuple):
    """A step to be taken."""

    task_id: UUID
    step: Step


def together(
    database: PostgresDatabase,
    write: Callable[[PostgresDatabase, Sequence[W]], Awaitable[Outcomes]],
) -> Callable[[Sequence[Sequence[W]]], Awaitable[list[Outcomes]]]:
    """What sends the writes of several callers as one, and gives each their own outcomes."""

    async def send(calls: Sequence[Sequence[W]]) -> list[Outcomes]:
        outcomes = iter(await write(database, list(chain.from_iterable(calls))))
        return [list(islice(outcomes, len(call))) for call in calls]

    return send


async def added(database: PostgresDatabase, orders: Sequence[Order]) -> Outcomes:
    """Add what was ordered; give for each the task that is there now, or why it is refused."""
    at, found = await _read(database, [order.id for order in orders])
    there: dict[_Key, Task] = dict(found.items())
    outcomes = [found.get(order.id) or _made(order, at) for order in orders]
    missing = [task for task in outcomes if isinstance(task, Task) and task.id not in there]
    receipts = {order.id: order.receipt for order in orders if order.receipt is not None}
    sought = receipts.keys() - {task.id for task in missing}  # it may have been added before
    again: dict[UUID, Repeated] = {}
    for _ in range(TRIES):
        if not missing and not sought:
            break
        rows = [{"id": str(task.id), **task_columns(task)} for task in missing]
        rows += [{"id": str(task_id)} for task_id in sought]
        new, kept = await _add(database, rows, receipts)
        there |= {task.id: task for task in missing if task.id in new}
        again |= kept
        sought = set()
        # What was not added is there already; or was, and has ended in between.
        missing = [task for task in missing if task.id not in there and task.id not in again]
        if missing:
            there |= await _twins(database, missing)
            missing = [task for task in missing if _found(task, there) is None]
    busy = Unavailable(HELD, retry_after=2)
    return [
        again.get(order.id)
        or ((_found(outcome, there) or busy) if isinstance(outcome, Task) else outcome)
        for order, outcome in zip(orders, outcomes, strict=True)
    ]


async def stepped(
    known: dict[UUID, Task], database: PostgresDatabase, jobs: Sequence[Job]
) -> Outcomes:
    """Take steps from what is stored, in order; give what was stored or why it was refused.

    Nothing is locked between the read and the write: what was changed meanwhile is read again.
    `known` are tasks as this process has stored them last: they are not read first. What a step
    from there is refused for may be out of date, so that it counts only once it was read.
    """
    outcomes: dict[int, Outcome] = {}
    tried: dict[UUID, int] = {}
    for _ in range(TRIES):
        left = {number: job for number, job in enumerate(jobs) if number not in outcomes}
        if not left:
            break
        ids = [job.task_id for job in left.values()]
        guessed = {id_: known.pop(id_) for id_ in dict.fromkeys(ids) if id_ in known}
        at, read = await _read(database, [id_ for id_ in ids if id_ not in guessed])
        stored = read | guessed
        states = dict(stored)
        made = {number: _taken(states, job, at) for number, job in left.items()}
        kept = await _keep(database, stored, states)
        for number, job in left.items():
            before = stored.get(job.task_id)
            if job.task_id in kept or (
                before is states.get(job.task_id) and job.task_id not in guessed
            ):
                outcomes[number] = made[number]
            elif before is not None and tried.get(before.id) == before.revision:
                outcomes[number] = key_taken(before)  # nobody was faster, and it was not taken
        tried = {task.id: task.revision for task in read.values()}
        _note(known, [states[id_] for id_ in kept])
    return [outcomes.get(n) or kept_changing(job.task_id) for n, job in enumerate(jobs)]


def _note(known: dict[UUID, Task], stored: Iterable[Task]) -> None:
    """Remember what runs here: as a rule nobody else changes it before it ends."""
    known |= {
        task.id: task for task in stored if task.status is Status.RUNNING and not task.cancelling
    }
    for forgotten in list(islice(known, max(0, len(known) - KNOWN_MAX))):
        del known[forgotten]


async def _read(
    database: PostgresDatabase, ids: Sequence[UUID]
) -> tuple[datetime, dict[UUID, Task]]:
    """The database's time, and the tasks that are there by then."""
    rows = await database.fetch(_DATED, (list(ids),))
    tasks = (task_of(row[1:]) for row in rows if row[1] is not None)
    return moment(rows[0][0]), {task.id: task for task in tasks}


async def _add(
    database: PostgresDatabase, rows: Sequence[dict[str, Any]], receipts: Mapping[UUID, Receipt]
) -> tuple[set[UUID], dict[UUID, Repeated]]:
    """Add what is new; give the ids of that, and what is kept of what was added before."""
    if not receipts:
        new = await database.fetch(_ADD, (encode_json(rows),))
        return {task_id for (task_id,) in new}, {}
    for row in rows:
        receipt = receipts.get(UUID(row["id"]))
        if receipt is not None:
            row["receipt"] = receipt_of(receipt)
    found = await database.fetch(_ADD_ONCE, (encode_json(rows),))
    again = {task_id: repeated(kept) for task_id, kept in found if kept is not None}
    return {task_id for task_id, kept in found if kept is None}, again


async def _keep(
    database: PostgresDatabase, stored: Mapping[UUID, Task], states: Mapping[UUID, Task]
) -> set[UUID]:
    """Store the states that are new; give the ids of those that were."""
    rows = [
        {"id": str(task.id), "replaces": stored[task.id].revision, **step_columns(task)}
        for task in states.values()
        if task is not stored[task.id]
    ]
    if not rows:
        return set()
    return {task_id for (task_id,) in await database.fetch(_STEP, (encode_json(rows),))}


def _taken(states: dict[UUID, Task], job: Job, at: datetime) -> Outcome:
    """Take one step on from the states so far, and put the next among them."""
    if job.task_id not in states:
        return not_found(job.task_id)
    try:
        states[job.task_id] = task = job.step(states[job.task_id], at)
    except ProfilecoreError as refusal:
        return refusal
    return task


def _made(order: Order, at: datetime) -> Outcome:
    try:
        return order.task(at)
    except ProfilecoreError as refusal:
        return refusal


async def _twins(database: PostgresDatabase, tasks: Sequence[Task]) -> dict[_Key, Task]:
    """What has the id of one of these or, being unfinished, its key."""
    ids, types = [task.id for task in tasks], [task.type for task in tasks]
    rows = await database.fetch(_THERE, (ids, types, [task.unique_key for task in tasks]))
    there: dict[_Key, Task] = {}
    for task in map(task_of, rows):
        there[task.id] = task
        if task.unique_key is not None and not task.finished:
            there[task.type, task.unique_key] = task
    return there


def _found(task: Task, there: Mapping[_Key, Task]) -> Task | None:
    return there.get(task.id) or there.get((task.type, task.unique_key))
