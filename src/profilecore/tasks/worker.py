"""Runs tasks: takes them from the queue, so many at once, and settles each in the store."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from profilecore.errors import NotFound, ProfilecoreError, Unavailable
from profilecore.ports import Lease, Queue, Tasks
from profilecore.task import Status, Step, Task
from profilecore.tasks.handlers import Attempt, Context, Handlers
from profilecore.tasks.keeper import Keeper
from profilecore.tasks.running import Run, Runs
from profilecore.tasks.verdict import verdict

TAKE_MAX: Final = 5.0
POSTPONED_FOR: Final = timedelta(seconds=10)
_FIRST_PAUSE: Final = 0.1
_LAST_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a worker works: on so many tasks at once, each held for `lease` and then renewed.

    With `empties` what is left in the queue is given back at the end: it ends with the process.
    """

    concurrency: int
    lease: timedelta
    empties: bool


class Worker:
    """Takes tasks that are due and runs them, until it is drained.

    `around` is entered for each run, so that its log lines carry where the task came from.
    `announce` is called when a task may be due at once.
    """

    def __init__(
        self,
        tasks: Tasks,
        queue: Queue,
        handlers: Handlers,
        runner: Runs,
        rules: Rules,
        *,
        around: Callable[[Task], AbstractContextManager[object]] = lambda task: nullcontext(),
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self._tasks = tasks
        self._queue = queue
        self._handlers = handlers
        self._runner = runner
        self._rules = rules
        self._around = around
        self._announce = announce
        self._keeper = Keeper(tasks, rules.lease)
        self._draining = asyncio.Event()
        self._slots: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until drained; returns when the last task that it had in hand has ended."""
        keeping = asyncio.create_task(self._keeper.run())
        self._slots = {asyncio.create_task(self._slot()) for _ in range(self._rules.concurrency)}
        working = asyncio.gather(*self._slots)
        try:
            await asyncio.wait((keeping, working), return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():  # nothing can be run safely without it
                keeping.result()
            await working
            if self._rules.empties:
                await self._empty()
        finally:
            for task in (keeping, *self._slots):
                task.cancel()
            await asyncio.gather(keeping, working, *self._slots, return_exceptions=True)

    async def drain(self, grace: float) -> None:
        """Take no more; give back, after `grace` seconds, what has not ended by then."""
        self._draining.set()
        for slot in self._idle:
            slot.cancel()
        if self._slots:
            await asyncio.wait(self._slots, timeout=grace)
        self._keeper.hand_back()

    async def _slot(self) -> None:
        me = cast("asyncio.Task[None]", asyncio.current_task())
        while not self._draining.is_set():
            self._idle.add(me)
            try:
                lease = await self._take()
            except asyncio.CancelledError:
                if self._draining.is_set():
                    return
                raise
            finally:
                self._idle.discard(me)
            if lease is not None:
                await self._work(lease)

    async def _take(self) -> Lease | None:
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._queue.take(TAKE_MAX)
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)

    async def _work(self, lease: Lease) -> None:
        """Do what was taken. The row decides whether there is anything to do."""
        since = time.monotonic()
        try:
            outcome = await self._step(lease.task_id, self._start)
        except Unavailable:
            await asyncio.sleep(_FIRST_PAUSE)
            await self._settle(self._queue.retry, lease)
            return
        if isinstance(outcome, NotFound):
            await self._settle(self._queue.bury, lease)
            return
        # Somebody else has it, or it has ended, or it is not its time any more.
        if isinstance(outcome, Task) and outcome.status is Status.RUNNING:
            await self._do(outcome, since)
        await self._settle(self._queue.ack, lease)

    def _start(self, task: Task, at: datetime) -> Task:
        if task.type not in self._handlers:
            why = f"no worker that was asked knows the type {task.type}"
            return task.postponed(at, POSTPONED_FOR, why)
        return task.started(at, self._rules.lease)

    async def _do(self, task: Task, since: float) -> None:
        handler = self._handlers[task.type]
        context = Context(Attempt(task.id, task.attempt, task.max_attempts), task.type)
        with self._around(task):
            work = asyncio.create_task(self._runner.run(handler, context, task.payload))
        run = Run(task, context, work)
        with self._keeper.keeping(run, since):
            timer = run.end_after(handler.timeout)
            await run.over
            timer.cancel()
            step = verdict(run, handler)
            if step is not None:
                await self._write(task, step)

    async def _write(self, task: Task, step: Step) -> None:
        """Settle the row; while the store is away the lease says how long that makes sense."""
        pause = _FIRST_PAUSE
        while not self._keeper.lost(task.id):
            try:
                outcome = await self._step(task.id, step)
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
                continue
            if isinstance(outcome, Task) and not outcome.finished:
                self._announce()
            return
        # Whoever rescues it goes on with it.

    async def _step(self, task_id: UUID, step: Step) -> Task | ProfilecoreError:
        outcome = (await self._tasks.write({task_id: step}))[task_id]
        if isinstance(outcome, Task | NotFound) or outcome.code == "task_state":
            return outcome
        raise Unavailable(outcome.detail) from outcome  # nothing is decided: others were faster

    async def _settle(self, verb: Callable[[Lease], object], lease: Lease) -> None:
        with suppress(Unavailable):  # it is delivered again, and the row says that it is done
            await verb(lease)  # type: ignore[misc]

    async def _empty(self) -> None:
        while (lease := await self._queue.take(0)) is not None:
            with suppress(ProfilecoreError):
                await self._tasks.write({lease.task_id: lambda task, at: task.released(at)})
            await self._settle(self._queue.ack, lease)
