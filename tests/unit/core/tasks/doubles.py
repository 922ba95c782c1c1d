"""What surrounds dispatchers and workers: adapters in memory, with switches."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from profilecore.adapters.memory import MemoryQueue, MemoryTasks
from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.order import Order
from profilecore.ports import Due, Lease, Queue, Tasks
from profilecore.schedule import Claims
from profilecore.service import now
from profilecore.task import Status, Step, Task
from profilecore.tasks import Handler, Handlers, Rules, Runner, Worker
from profilecore.testing.samples import AT, SECOND

PATIENCE = 5.0  # seconds in which what has to happen happens


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class SwitchedTasks(MemoryTasks):
    """A store that can be away, lose its answers, be slow, and give other outcomes."""

    down = False
    deaf = 0
    """In so many writes to come what is written is kept, and the answer is lost."""
    pause = 0.0
    outcomes: Sequence[ProfilecoreError] = ()
    """What the next writes give for each task, in place of doing it."""
    fault: Exception | None = None

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        super().__init__(clock)
        self.calls: Counter[str] = Counter()

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        await self._check("get")
        return await super().get(ids)

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        await self._check("write")
        if self.outcomes:
            outcome, *self.outcomes = self.outcomes
            return dict.fromkeys(steps, outcome)
        found = await super().write(steps)
        if self.deaf:
            self.deaf -= 1
            raise Unavailable("The answer was lost.")
        return found

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        await self._check("claim")
        return await super().claim(limit, lease)

    async def _check(self, verb: str) -> None:
        self.calls[verb] += 1
        await asyncio.sleep(self.pause)
        if self.fault is not None:
            raise self.fault
        if self.down:
            raise Unavailable("The store is away.")


class SwitchedQueue(MemoryQueue):
    """A queue that can be away, or refuse some."""

    down = False
    deaf = False
    """Whether settling fails."""
    fault: Exception | None = None

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[UUID] = set()
        self.calls: Counter[str] = Counter()
        self.came: list[Due] = []

    async def put(self, due: Due) -> None:
        self._check("put")
        if due.task_id in self.refused:
            raise Unavailable("The queue does not take it.")
        self.came.append(due)
        await super().put(due)

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        self._check("take")
        return await super().take(timeout)

    async def ack(self, lease: Lease) -> None:
        self.calls["ack"] += 1
        if self.deaf:
            raise Unavailable("The queue is away.")
        await super().ack(lease)

    async def retry(self, lease: Lease) -> None:
        self.calls["retry"] += 1
        await super().retry(lease)

    def _check(self, verb: str) -> None:
        self.calls[verb] += 1
        if self.fault is not None:
            raise self.fault
        if self.down:
            raise Unavailable("The queue is away.")


class Recorded:
    """Processes that run in this one: what was asked of them, and what they give."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.killed = 0

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.asked.append(arguments)
        try:
            await asyncio.sleep(0)
            if function is time.sleep:
                await asyncio.sleep(60)
            return function(*arguments)
        except asyncio.CancelledError:
            self.killed += 1
            raise


async def until(done: Callable[[], Any]) -> None:
    """Return when it is so."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < PATIENCE, "it did not happen"
        await asyncio.sleep(0.005)


class Stage:
    """A worker on a store and a queue, and what one does with it."""

    def __init__(self, *handlers: Handler, **rules: Any) -> None:
        self.tasks = SwitchedTasks()
        self.queue = SwitchedQueue()
        self.handlers = Handlers(handlers)
        usual: dict[str, Any] = {"concurrency": 2, "lease": 30 * SECOND, "empties": False}
        self.rules = Rules(**usual | rules)
        self.announced = 0
        self.worker = self.another()

    def another(self, *handlers: Handler) -> Worker:
        """One more worker on the same two, which may know other types."""
        tasks: Tasks = self.tasks
        queue: Queue = self.queue
        known = Handlers(handlers) if handlers else self.handlers
        return Worker(tasks, queue, known, Runner(Recorded()), self.rules, announce=self._announce)

    def _announce(self) -> None:
        self.announced += 1

    def start(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.worker.run())

    async def order(self, type_: str, **asked: Any) -> UUID:
        """A task that is there, and in the queue."""
        task_id = await self.add(type_, **asked)
        await self.queue.put(Due(task_id))
        return task_id

    async def add(self, type_: str, **asked: Any) -> UUID:
        (task,) = await self.tasks.add([Order(type=type_, **asked)])
        assert isinstance(task, Task)
        return task.id

    def row(self, task_id: UUID) -> Task:
        return self.tasks._rows[task_id]

    def status(self, task_id: UUID) -> Status:
        return self.row(task_id).status

    async def ended(self, *task_ids: UUID) -> list[Task]:
        await until(lambda: all(self.row(task_id).finished for task_id in task_ids))
        return [self.row(task_id) for task_id in task_ids]

    @property
    def unsettled(self) -> int:
        """How many messages are still held by somebody."""
        return len(self.queue._held)
