"""Tasks to play with, and steps to take with them."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from profilecore.errors import ProfilecoreError
from profilecore.order import Order
from profilecore.ports import Tasks
from profilecore.schedule import Claims
from profilecore.task import Status, Step, Task
from profilecore.testing.places import TaskStore
from profilecore.testing.samples import SECOND

LEASE: Final = 30 * SECOND
CLAIM: Final = 5 * SECOND
TICK: Final = timedelta(microseconds=1)

# Hard to keep: each of these is something that a kind of column, or of codec, makes another of.
KINDS: Final[list[Any]] = [
    None,
    True,
    False,
    0,
    -1,
    2**53 + 1,
    -(2**80),
    0.1,
    1.0,
    1e300,
    5e-324,
    "",
    "null",
    "NUL \0 and \u2028 \x7f",
    "Žofia 李 \U0001f600 e\u0301 \\ ' \" % _ \\u0000",
    [],
    {},
    [None, [[]], {"": {"a": [1, 2.5, "x", None]}}],
    {"b": 1, "a": {"ü \0": [True, {}]}},
]


async def one(tasks: Tasks, **asked: Any) -> Task:
    """A task that was ordered just now."""
    (task,) = await tasks.add([Order(**{"type": "echo"} | asked)])
    assert isinstance(task, Task)
    return task


async def some(tasks: Tasks, *orders: Order) -> list[Task]:
    added = [outcome for outcome in await tasks.add(orders) if isinstance(outcome, Task)]
    assert len(added) == len(orders)
    return added


async def stored(tasks: Tasks, task: Task) -> Task:
    return (await tasks.get([task.id]))[task.id]


async def step(tasks: Tasks, task: Task, take: Step) -> Task:
    """A step that must not be refused."""
    outcome = (await tasks.write({task.id: take}))[task.id]
    assert isinstance(outcome, Task), outcome
    return outcome


async def refused(tasks: Tasks, task: Task, take: Step) -> ProfilecoreError:
    outcome = (await tasks.write({task.id: take}))[task.id]
    assert isinstance(outcome, ProfilecoreError), outcome
    return outcome


def start(task: Task, at: datetime) -> Task:
    return task.started(at, LEASE)


def cancel(task: Task, at: datetime) -> Task:
    return task.cancelled(at)


def die(task: Task, at: datetime) -> Task:
    return task.failed(at, task.fence, "boom", final=True)


async def ended(tasks: Tasks, task: Task, how: Status) -> Task:
    """Bring a task that is due to an end."""
    if how is Status.CANCELLED:
        return await step(tasks, task, cancel)
    await step(tasks, task, start)
    if how is Status.DEAD:
        return await step(tasks, task, die)
    return await step(tasks, task, lambda t, at: t.succeeded(at, t.fence, None))


async def brought(tasks: Tasks, task: Task, status: Status) -> Task:
    """Bring a task that is due to a state, with as much in it as can be."""
    if status in (Status.SCHEDULED, Status.CANCELLED):
        await step(tasks, task, start)
        task = await step(tasks, task, lambda t, at: t.failed(at, t.fence, "secret"))
        return task if status is Status.SCHEDULED else await step(tasks, task, cancel)
    if status is Status.QUEUED:
        (claim,) = (await tasks.claim(1, CLAIM)).claims
        return await step(tasks, task, lambda t, at: t.queued(at, claim.due_at, LEASE))
    await step(tasks, task, start)
    if status is Status.RUNNING:
        return await step(tasks, task, cancel)
    if status is Status.DEAD:
        return await step(tasks, task, lambda t, at: t.failed(at, t.fence, "secret", final=True))
    return await step(tasks, task, lambda t, at: t.succeeded(at, t.fence, {"of": "secret"}))


async def mentioned(tasks: TaskStore, word: str) -> list[UUID]:
    """All that mention a word, in the order in which they come."""
    found, after = list[UUID](), UUID(int=0)
    while True:
        mentions = await tasks.mentions(word, after)
        found += mentions.ids
        if mentions.last is None:
            return found
        after = mentions.last


def as_json(value: Any) -> str:
    """Tells 1 from 1.0 and from True, which are equal."""
    return json.dumps(value, sort_keys=True)


def ids(claims: Claims) -> list[UUID]:
    return [claim.id for claim in claims.claims]


def unseen(task: Task) -> Task:
    """A task without what a claim may change."""
    return replace(task, due_at=None, revision=0)
