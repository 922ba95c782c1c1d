"""`profilecore tasks watch`: what waits, what runs, and what has died."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from profilecore import Status, Task
from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.output import STANDARD, Write, written
from profilecore.entrypoints.cli.stop import stop_requested
from profilecore.entrypoints.cli.task_views import STYLES, moment, plain
from profilecore.entrypoints.parts import Parts
from profilecore.schedule import Backlog, TaskQuery

RUNNING_MAX: Final = 15
DEAD_MAX: Final = 5
COUNTED: Final = (Status.SCHEDULED, Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class View:
    """What there is at one time."""

    at: datetime
    backlog: Backlog
    running: Sequence[Task]
    dead: Sequence[Task]


async def watch_tasks(parts: Parts, interval: float) -> None:
    """Look every `interval` seconds until Ctrl-C, which is how this ends."""
    console = Console()
    with stop_requested() as stop:
        if console.is_terminal:
            with Live(console=console, auto_refresh=False, transient=False) as live:
                while not stop.is_set():
                    live.update(_drawn(await _look(parts)), refresh=True)
                    await _pause(stop, interval)
        else:
            with written(STANDARD) as write:
                while not stop.is_set():
                    _say(await _look(parts), write)
                    await _pause(stop, interval)
    raise StoppedError("interrupted.", ExitCode.INTERRUPTED)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _look(parts: Parts) -> View:
    return View(
        datetime.now(UTC),
        await parts.upkeep.backlog(),
        await parts.tasks.list(TaskQuery(limit=RUNNING_MAX, status=Status.RUNNING)),
        await parts.tasks.list(TaskQuery(limit=DEAD_MAX, status=Status.DEAD)),
    )


def _say(view: View, write: Write) -> None:
    counts = ", ".join(f"{view.backlog.counts.get(s, 0)} {s}" for s in COUNTED)
    line = f"{moment(view.at)}  {counts}, oldest due for {_seconds(view.backlog)}"
    if view.dead:
        line += f", last dead {view.dead[0].id} ({view.dead[0].type})"
    write(f"{line}\n".encode())


def _drawn(view: View) -> RenderableType:
    counts = Text(f"{moment(view.at)}   ")
    for status in COUNTED:
        counts.append(f"{view.backlog.counts.get(status, 0)} {status}   ", STYLES[status])
    counts.append(f"oldest due for {_seconds(view.backlog)}")
    return Group(counts, Text(), *_running(view), *_dead(view))


def _running(view: View) -> Sequence[RenderableType]:
    if not view.running:
        return [Text("nothing runs", "dim")]
    table = Table("RUNNING", "TYPE", "ATTEMPT", "SINCE", "PROGRESS", box=None, pad_edge=False)
    for task in view.running:
        done = ProgressBar(1.0, task.progress, width=20) if task.progress is not None else "-"
        since = "-" if task.started_at is None else moment(task.started_at)
        attempt = f"{task.attempt}/{task.max_attempts}"
        table.add_row(str(task.id), plain(task.type), attempt, since, done)
    more = view.backlog.counts.get(Status.RUNNING, 0) - len(view.running)
    return [table, Text(f"and {more} more", "dim")] if more > 0 else [table]


def _dead(view: View) -> Sequence[RenderableType]:
    if not view.dead:
        return []
    table = Table("DEAD, NEWEST", "TYPE", "SINCE", "ERROR", box=None, pad_edge=False)
    for task in view.dead:
        error = Text(
            plain(task.error or ""), STYLES[Status.DEAD], overflow="ellipsis", no_wrap=True
        )
        table.add_row(str(task.id), plain(task.type), moment(task.updated_at), error)
    return [Text(), table]


def _seconds(backlog: Backlog) -> str:
    return f"{backlog.oldest_due.total_seconds():.1f} s"
