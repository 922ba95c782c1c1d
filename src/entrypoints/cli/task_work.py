"""`profilecore tasks submit`, `cancel` and `retry`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import typer

from profilecore import Conflict, Invalid, NotFound, Order, Status, Task, TaskService
from profilecore.entrypoints.cli.exits import PROGRAM, ExitCode, StoppedError, failed, mistaken
from profilecore.entrypoints.cli.output import STANDARD
from profilecore.entrypoints.cli.stop import stop_requested
from profilecore.entrypoints.cli.task_views import PAGE, print_task
from profilecore.order import A_DELAY, A_TIME, delay_of
from profilecore.schedule import TaskQuery

TOLD_AFTER: Final = 5.0  # seconds
_AN_OBJECT: Final = """is no JSON object such as '{"hello": "world"}'."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task as it was asked for on the command line."""

    type: str
    payload: str
    delay: str | None
    at: str | None
    priority: int
    max_attempts: int
    unique_key: str | None

    def order(self) -> Order:
        """The order; typer.BadParameter where an option makes no sense."""
        if self.delay is not None and self.at is not None:
            raise typer.BadParameter("and --delay are both given.", param_hint="--at")
        delay = timedelta(0) if self.delay is None else _delay(self.delay)
        run_at = None if self.at is None else _time(self.at)
        payload = _payload(self.payload)
        try:
            return Order(
                type=self.type,
                payload=payload,
                delay=delay,
                run_at=run_at,
                priority=self.priority,
                max_attempts=self.max_attempts,
                unique_key=self.unique_key,
            )
        except Invalid as error:
            raise mistaken(error) from error


async def submit_task(tasks: TaskService, order: Order, wait: bool, as_json: bool) -> ExitCode:
    """Submit a task; print its id, or all of it when it has ended."""
    try:
        task = await tasks.submit(order)
    except Invalid as error:
        raise mistaken(error) from error
    if wait:
        task = await _ended(tasks, task)
    if wait or as_json:
        print_task(task, as_json)
    else:
        print(task.id)
    return ExitCode.REFUSED if wait and task.status is not Status.SUCCEEDED else ExitCode.OK


async def cancel_tasks(tasks: TaskService, ids: Sequence[UUID]) -> ExitCode:
    """Cancel each; say of each what has become of it."""
    return await _each(ids, tasks.cancel)


async def retry_tasks(tasks: TaskService, ids: Sequence[UUID]) -> ExitCode:
    """Retry each; say of each what has become of it."""
    return await _each(ids, tasks.retry)


async def retry_all_dead(tasks: TaskService) -> ExitCode:
    """Retry each task that is dead now; one that dies again meanwhile is not tried once more."""
    after: UUID | None = None
    code = ExitCode.OK
    while page := await tasks.list(TaskQuery(limit=PAGE, after=after, status=Status.DEAD)):
        code = max(code, await _each([task.id for task in page], tasks.retry))
        after = page[-1].id
    if after is None:
        print("no task is dead")
    return code


async def _each(ids: Sequence[UUID], step: Callable[[UUID], Awaitable[Task]]) -> ExitCode:
    code = ExitCode.OK
    for task_id in ids:
        try:
            task = await step(task_id)
        except (Conflict, NotFound) as error:
            code = failed(error.detail, ExitCode.REFUSED)
        else:
            print(task.id, "cancelling" if task.cancelling else task.status)
    return code


async def _ended(tasks: TaskService, task: Task) -> Task:
    told = False
    with stop_requested() as stop:
        stopping = asyncio.create_task(stop.wait())
        while not task.finished:
            waiting = asyncio.create_task(tasks.wait(task.id, TOLD_AFTER))
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                waiting.cancel()
                text = f"interrupted; task {task.id} goes on, and nobody waits for it."
                raise StoppedError(text, ExitCode.INTERRUPTED)
            task = await waiting
            if task.status in (Status.SCHEDULED, Status.QUEUED) and not told:
                told = _tell_of(task)
        stopping.cancel()
    return task


def _tell_of(task: Task) -> bool:
    """Say, once, that a task is late, for it may be that nothing runs that would start it."""
    if (datetime.now(UTC) - task.run_at).total_seconds() < TOLD_AFTER:
        return False
    text = f"{PROGRAM}: task {task.id} is due, and nobody has started it: does a service run?"
    print(text, file=sys.stderr)
    return True


def _payload(text: str) -> dict[str, Any]:
    data: bytes | str = text
    if text == STANDARD:
        data = sys.stdin.buffer.read()
    elif text.startswith("@"):
        data = Path(text[1:]).read_bytes()
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise typer.BadParameter(_AN_OBJECT, param_hint="--payload") from error


def _delay(text: str) -> timedelta:
    try:
        return delay_of(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except Invalid as error:
        raise typer.BadParameter(f"{A_DELAY}.", param_hint="--delay") from error


def _time(text: str) -> datetime:
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{A_TIME}.", param_hint="--at") from error
