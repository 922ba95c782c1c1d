"""Keeps the tasks that this process runs: renews their leases, and sees what is asked of them."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from profilecore.errors import Conflict, NotFound, ProfilecoreError, Unavailable
from profilecore.ports import Tasks
from profilecore.task import Status, Step, Task
from profilecore.tasks.running import Run, Why

LOOK_EVERY: Final = 0.5
_RENEWALS: Final = 3  # in a lease


class Keeper:
    """Looks at its runs twice a second, as long as there are any.

    A run is ended where its task was cancelled, or is not this process' any more: because another
    has rescued it, or because its lease could not be renewed in time.
    """

    def __init__(self, tasks: Tasks, lease: timedelta) -> None:
        self._tasks = tasks
        self._lease = lease
        self._runs: dict[UUID, Run] = {}
        self._held_until: dict[UUID, float] = {}
        self._shown: dict[UUID, float | None] = {}
        self._some = asyncio.Event()
        self._stopping = False

    @contextmanager
    def keeping(self, run: Run, since: float) -> Iterator[None]:
        """Keep a run whose lease was taken at `since`, by this process' monotonic clock."""
        key = run.task.id
        self._runs[key] = run
        self._held_until[key] = since + self._lease.total_seconds()
        self._shown.pop(key, None)
        self._some.set()
        if self._stopping:  # it was being started while the others were ended
            run.end(Why.STOPPING)
        try:
            yield
        finally:
            if self._runs.get(key) is run:
                del self._runs[key], self._held_until[key]
                self._shown.pop(key, None)
            if not self._runs:
                self._some.clear()

    def hand_back(self) -> None:
        """End every run, and those to come, for the process stops."""
        self._stopping = True
        for run in list(self._runs.values()):
            run.end(Why.STOPPING)

    def lost(self, task_id: UUID) -> bool:
        """Whether the lease of a task that is kept has run out."""
        return self._held_until.get(task_id, 0.0) < time.monotonic()

    async def run(self) -> None:
        """Keep until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Renew what has to be, and end what has to."""
        runs = dict(self._runs)
        try:
            await self._renew(runs)
            for task_id, task in (await self._tasks.get(list(runs))).items():
                _heed(runs[task_id], task)
        except Unavailable:
            pass  # the leases show how long that may last
        now = time.monotonic()
        for task_id, run in runs.items():
            if self._held_until.get(task_id, now) < now:
                run.end(Why.LOST)

    async def _renew(self, runs: dict[UUID, Run]) -> None:
        began = time.monotonic()
        lease = self._lease.total_seconds()
        soon = began + lease * (_RENEWALS - 1) / _RENEWALS
        steps = {
            task_id: self._renewal(run)
            for task_id, run in runs.items()
            if self._held_until.get(task_id, began) < soon
            or run.context.progressed() != self._shown.get(task_id)
        }
        if not steps:
            return
        shown = {task_id: runs[task_id].context.progressed() for task_id in steps}
        for task_id, outcome in (await self._tasks.write(steps)).items():
            if isinstance(outcome, NotFound) or _is_refused(outcome):
                runs[task_id].end(Why.LOST)
            elif isinstance(outcome, Task) and task_id in self._held_until:
                self._held_until[task_id] = began + lease
                self._shown[task_id] = shown[task_id]

    def _renewal(self, run: Run) -> Step:
        progress = run.context.progressed()

        def step(task: Task, at: datetime) -> Task:
            return task.renewed(at, run.task.fence, self._lease, progress)

        return step


def _is_refused(outcome: Task | ProfilecoreError) -> bool:
    return isinstance(outcome, Conflict) and outcome.code == "task_state"


def _heed(run: Run, task: Task) -> None:
    if task.fence != run.task.fence or task.status is not Status.RUNNING:
        run.end(Why.LOST)
    elif task.cancelling:
        run.end(Why.CANCELLED)
