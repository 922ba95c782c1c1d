"""The use cases of tasks: what a caller can do with them."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.access import ANYBODY, Caller
from profilecore.errors import Invalid, ProfilecoreError
from profilecore.once import answer_gone
from profilecore.order import A_PRIORITY, PRIORITY_MAX, Order, within_reach
from profilecore.ports import Tasks
from profilecore.receipt import Repeated
from profilecore.schedule import TaskQuery
from profilecore.task import Step, Task, not_found
from profilecore.tasks.handlers import Handlers

WAIT_MAX: Final = 30.0  # seconds
_LOOK_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task, and whether it was taken for an earlier request with the same receipt."""

    task: Task
    replayed: bool


class TaskService:
    """Submit, read, list, cancel, reschedule and retry tasks.

    `announce` is called when a task may be due at once.
    """

    def __init__(
        self, tasks: Tasks, handlers: Handlers, *, announce: Callable[[], None] = lambda: None
    ) -> None:
        self._tasks = tasks
        self._handlers = handlers
        self._announce = announce
        self._waiting = _Waiting(tasks)

    async def submit(self, order: Order, caller: Caller = ANYBODY) -> Task:
        """Keep a task that is to be done; it is kept when this returns.

        Gives the one that is there where an unfinished one of its type has its `unique_key`.
        Raises Invalid for a type that is not known, and for a payload or time that will not do;
        Denied where the type takes scopes that the caller has not.
        """
        return (await self.submit_once(order, caller)).task

    async def submit_once(self, order: Order, caller: Caller = ANYBODY) -> Submitted:
        """As `submit`; an order with a receipt is taken once, and gives the same task each time.

        That is as it was when it was taken, whatever has become of it. NotFound `answer_gone`
        where it has been removed since.
        """
        self._handlers.check(order.type, order.payload)
        caller.require(*self._handlers[order.type].scopes)
        if order.receipt is not None:
            order = replace(order, receipt=order.receipt.noting(str(order.id)))
        (outcome,) = await self._tasks.add([order])
        if isinstance(outcome, Repeated):
            return Submitted(await self._first(order, outcome), replayed=True)
        return Submitted(self._done(outcome), replayed=False)

    async def read(self, task_id: UUID) -> Task:
        """One task; NotFound if there is none."""
        task = (await self._tasks.get([task_id])).get(task_id)
        if task is None:
            raise not_found(task_id)
        return task

    async def wait(self, task_id: UUID, seconds: float) -> Task:
        """One task when it has ended, or as it is after so many seconds."""
        task = await self.read(task_id)
        if task.finished or seconds <= 0:
            return task
        await self._waiting.wait(task_id, min(seconds, WAIT_MAX))
        return await self.read(task_id)

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        """Tasks, the newest first."""
        return await self._tasks.list(query)

    async def cancel(self, task_id: UUID) -> Task:
        """Cancel a task; one that is running is asked to stop, and then ends as it will.

        Raises Conflict where it has ended.
        """
        return await self._step(task_id, lambda task, at: task.cancelled(at))

    async def reschedule(
        self, task_id: UUID, run_at: Callable[[datetime], datetime] | None, priority: int | None
    ) -> Task:
        """Give a task that has not started another time or priority.

        `run_at` is asked for the time, given the store's. Raises Conflict where it has started,
        Invalid for a time or priority that will not do.
        """
        if priority is not None and not 0 <= priority <= PRIORITY_MAX:
            raise Invalid.field("priority", A_PRIORITY)

        def step(task: Task, at: datetime) -> Task:
            then = None if run_at is None else within_reach(run_at(at), at)
            return task.rescheduled(at, then, priority)

        return await self._step(task_id, step)

    async def retry(self, task_id: UUID) -> Task:
        """Try a dead task again, now; Conflict for any other."""
        return await self._step(task_id, lambda task, at: task.retried(at))

    async def _first(self, order: Order, repeated: Repeated) -> Task:
        if order.receipt is not None:
            repeated.kept.must_match(order.receipt)
        task_id = UUID(repeated.kept.note)
        task = (await self._tasks.get([task_id])).get(task_id)
        if task is None:
            raise answer_gone()
        return replace(order, id=task_id).task(task.created_at)

    async def _step(self, task_id: UUID, step: Step) -> Task:
        outcomes = await self._tasks.write({task_id: step})
        return self._done(outcomes[task_id])

    def _done(self, outcome: Task | ProfilecoreError) -> Task:
        if isinstance(outcome, ProfilecoreError):
            raise outcome
        self._announce()
        return outcome


class _Waiting:
    """Looks at all tasks that somebody waits for in one call, as long as somebody does."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._waiters: dict[UUID, set[asyncio.Event]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, task_id: UUID, seconds: float) -> None:
        """Return when the task has ended or is gone, or after so many seconds."""
        ended = asyncio.Event()
        self._waiters.setdefault(task_id, set()).add(ended)
        if self._looking is None:
            # In nobody's context: it is for all who wait.
            self._looking = asyncio.create_task(self._look(), context=Context())
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            self._waiters[task_id].discard(ended)
            if not self._waiters[task_id]:
                del self._waiters[task_id]

    async def _look(self) -> None:
        try:
            while self._waiters:
                await asyncio.sleep(_LOOK_EVERY)
                await self._look_once(list(self._waiters))
        finally:
            self._looking = None

    async def _look_once(self, ids: Collection[UUID]) -> None:
        try:
            tasks = await self._tasks.get(ids)
        except ProfilecoreError:
            return  # who waits reads it once more, and is told
        for task_id in ids:
            task = tasks.get(task_id)
            if task is None or task.finished:
                for ended in self._waiters.get(task_id, ()):
                    ended.set()
