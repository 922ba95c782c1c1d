"""Tasks, counted by what becomes of them: seen from the steps that are taken."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from profilecore.adapters.observed.metrics import Metrics, database_verb
from profilecore.ending import Ending
from profilecore.errors import ProfilecoreError
from profilecore.order import Order
from profilecore.ports import Endings, Tasks
from profilecore.schedule import Backlog, Claims, TaskQuery
from profilecore.task import FINISHED, LOST, Status, Step, Task

# An edge stands exactly at each promise: 50 and 250 ms.
LATENESS: Final = (0.005, 0.010, 0.020, 0.050, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
RUN_TIME: Final = (0.001, 0.005, 0.020, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
OTHER: Final = "other"

_ENDS: Final = {
    Status.SUCCEEDED: "succeeded",
    Status.DEAD: "dead",
    Status.CANCELLED: "cancelled",
}


class TaskMetrics:
    """Metrics `task…`; a type that nobody has registered counts as `other`."""

    def __init__(self, registry: CollectorRegistry, types: Collection[str]) -> None:
        self._counters = {
            what: Counter(f"tasks_{what}", text, ["type"], registry=registry)
            for what, text in (
                ("submitted", "Tasks accepted."),
                ("started", "Attempts begun."),
                ("succeeded", "Tasks done."),
                ("failed", "Attempts that failed."),
                ("retried", "Tasks scheduled once more after a failed attempt."),
                ("dead", "Tasks given up after their last attempt."),
                ("cancelled", "Tasks cancelled."),
            )
        }
        self._counted = {
            (what, type_): counter.labels(type_)
            for what, counter in self._counters.items()
            for type_ in types
        }
        self._rescued = Counter(
            "task_lease_rescues", "Tasks taken back from a worker that was lost.", registry=registry
        )
        self.published = Counter(
            "events_published", "Events of the change log sent to RabbitMQ.", registry=registry
        )
        self.unpublished = Gauge(
            "events_unpublished_seconds",
            "Age of the oldest event that could not be sent to RabbitMQ, 0 while none waits.",
            registry=registry,
        )
        self._lateness = Histogram(
            "task_lateness_seconds",
            "From when a task was to run to when it began.",
            buckets=LATENESS,
            registry=registry,
        )
        self._run = Histogram(
            "task_run_seconds",
            "From an attempt's begin to its end.",
            ["type"],
            buckets=RUN_TIME,
            registry=registry,
        )
        self._runs = {type_: self._run.labels(type_) for type_ in types}
        self._waiting = Gauge(
            "tasks_waiting", "Tasks that are not finished.", ["status"], registry=registry
        )
        self._oldest = Gauge(
            "task_oldest_due_seconds",
            "For how long the oldest task that has not begun is due.",
            registry=registry,
        )

    def submitted(self, task: Task) -> None:
        """A task was accepted."""
        self._count("submitted", task)

    def stepped(self, before: Task, after: Task) -> None:
        """A step was stored."""
        if before.status is not Status.RUNNING:
            if after.status is Status.RUNNING:
                self._count("started", after)
                self._lateness.observe(max(0.0, (after.updated_at - before.run_at).total_seconds()))
        elif after.status is not Status.RUNNING:
            self._ended(before, after)
        if after.status in _ENDS and before.status is not after.status:
            self._count(_ENDS[after.status], after)

    def seen(self, backlog: Backlog) -> None:
        """So many tasks wait."""
        for status in Status:
            if status not in FINISHED:
                self._waiting.labels(status).set(backlog.counts.get(status, 0))
        self._oldest.set(backlog.oldest_due.total_seconds())

    def _ended(self, before: Task, after: Task) -> None:
        began = before.started_at or after.updated_at
        seconds = max(0.0, (after.updated_at - began).total_seconds())
        (self._runs.get(after.type) or self._run.labels(OTHER)).observe(seconds)
        if after.errors and after.errors[-1:] != before.errors[-1:]:
            self._count("failed", after)
            if after.status is Status.SCHEDULED:
                self._count("retried", after)
            if after.errors[-1].text == LOST:
                self._rescued.inc()

    def _count(self, what: str, task: Task) -> None:
        counted = self._counted.get((what, task.type)) or self._counters[what].labels(OTHER)
        counted.inc()


class ObservedTasks:
    """The Tasks port, with metrics `database_…{port="tasks"}` and those of TaskMetrics."""

    def __init__(self, tasks: Tasks, metrics: Metrics, task_metrics: TaskMetrics) -> None:
        self._tasks = tasks
        self._metrics = task_metrics
        verb = database_verb(metrics, "tasks")
        self._add, self._get, self._list = verb("add"), verb("get"), verb("list")
        self._write, self._claim = verb("write"), verb("claim")

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        outcomes = await self._add(self._tasks.add(orders))
        for order, outcome in zip(orders, outcomes, strict=True):
            if isinstance(outcome, Task) and outcome.id == order.id:
                self._metrics.submitted(outcome)
        return outcomes

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        return await self._get(self._tasks.get(ids))

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return await self._list(self._tasks.list(query))

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        before: dict[UUID, Task] = {}
        watched = {task_id: _watched(step, before) for task_id, step in steps.items()}
        outcomes = await self._write(self._tasks.write(watched))
        for task_id, outcome in outcomes.items():
            if isinstance(outcome, Task):
                self._metrics.stepped(before[task_id], outcome)
        return outcomes

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        return await self._claim(self._tasks.claim(limit, lease))


def _watched(step: Step, before: dict[UUID, Task]) -> Callable[[Task, datetime], Task]:
    """A step that leaves what it was last taken from."""

    def run(task: Task, at: datetime) -> Task:
        before[task.id] = task
        return step(task, at)

    return run


class ObservedEndings:
    """The Endings port, with metrics `database_…{port="endings"}`."""

    def __init__(self, endings: Endings, metrics: Metrics) -> None:
        self._endings = endings
        verb = database_verb(metrics, "endings")
        self._read, self._position, self._trim = verb("read"), verb("position"), verb("trim")

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        return await self._read(self._endings.read(after, limit))

    async def position(self) -> int:
        return await self._position(self._endings.position())

    async def trim(self, older_than: datetime) -> int:
        return await self._trim(self._endings.trim(older_than))
