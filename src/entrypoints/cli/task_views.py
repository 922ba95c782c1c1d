"""Tasks for a person to look at, or as JSON for programs."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from rich.console import Console
from rich.text import Text

from profilecore import Status, Task, TaskService
from profilecore.entrypoints.cli.output import STANDARD, Write, written
from profilecore.entrypoints.wire import ENCODER, TaskBody
from profilecore.schedule import TaskQuery

PAGE: Final = 100
_HEAD: Final = ("ID", "STATUS", "TYPE", "RUN AT", "ATTEMPT", "PRIORITY", "ERROR")
_WIDTHS: Final = (36, 9, 20, 20, 7, 8, 0)
STYLES: Final = {
    Status.SCHEDULED: "cyan",
    Status.QUEUED: "blue",
    Status.RUNNING: "yellow",
    Status.SUCCEEDED: "green",
    Status.DEAD: "red",
    Status.CANCELLED: "dim",
}


async def list_tasks(
    tasks: TaskService, of: tuple[Status | None, str | None], limit: int, as_json: bool
) -> None:
    """Print at most `limit` tasks of a status and a type, None for any."""
    with written(STANDARD) as write:
        if as_json:
            async for page in _pages(tasks, of, limit):
                write(ENCODER.encode_lines([TaskBody.of(task) for task in page]))
            return
        write(_line(_row(_HEAD, "bold")))
        async for page in _pages(tasks, of, limit):
            write(b"".join(_line(_row(_cells(task), STYLES[task.status])) for task in page))


async def show_task(tasks: TaskService, id: UUID, as_json: bool) -> None:
    """Print one task."""
    print_task(await tasks.read(id), as_json)


def print_task(task: Task, as_json: bool) -> None:
    """Print all of a task."""
    with written(STANDARD) as write:
        if as_json:
            write(ENCODER.encode(TaskBody.of(task)) + b"\n")
        else:
            _write_all(task, write)


async def _pages(
    tasks: TaskService, of: tuple[Status | None, str | None], limit: int
) -> AsyncIterator[Sequence[Task]]:
    status, type_ = of
    after: UUID | None = None
    while limit > 0:
        most = min(PAGE, limit)
        page = await tasks.list(TaskQuery(limit=most, after=after, status=status, type=type_))
        if not page:
            return
        yield page
        after, limit = page[-1].id, limit - len(page)


def _cells(task: Task) -> Sequence[str]:
    attempt = f"{task.attempt}/{task.max_attempts}"
    run_at, error = moment(task.run_at), plain(task.error or "")
    return str(task.id), task.status, task.type, run_at, attempt, str(task.priority), error


def _row(cells: Iterable[str], style: str) -> Text:
    text = Text()
    for index, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True)):
        text.append(cell.ljust(width), style if index == 1 or style == "bold" else "")
        text.append("  " if width else "")
    text.rstrip()
    return text


def _write_all(task: Task, write: Write) -> None:
    fields = msgspec.to_builtins(TaskBody.of(task))
    errors = fields.pop("errors")
    for name, value in fields.items():
        line = Text(f"{name:<14}", "bold")
        line.append(_said(value), STYLES[task.status] if name == "status" else "")
        write(_line(line))
    for error in errors:
        line = Text(f"{'attempt ' + str(error['attempt']):<14}", "bold")
        line.append(f"{error['at']}  {plain(error['error'])}", "red")
        write(_line(line))


def _said(value: Any) -> str:
    if value is None:
        return "-"
    return plain(value if isinstance(value, str) else ENCODER.encode(value).decode())


def moment(at: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def plain(text: str) -> str:
    """Text on one line that leaves a terminal as it is, whatever is in it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _line(text: Text) -> bytes:
    """One line, with colours where standard output is a terminal that has some."""
    console = _console()
    with console.capture() as capture:
        console.print(text, soft_wrap=True)
    return capture.get().encode()


@cache
def _console() -> Console:
    return Console(highlight=False)
