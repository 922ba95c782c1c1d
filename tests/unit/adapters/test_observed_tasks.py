"""What becomes of tasks is counted, once each, by the steps that are stored."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from profilecore.adapters.memory import MemoryTasks
from profilecore.adapters.observed import Metrics, ObservedTasks, TaskMetrics
from profilecore.errors import Conflict, Invalid, NotFound, Unavailable
from profilecore.identifiers import new_id
from profilecore.order import DELAY_MAX, Order
from profilecore.schedule import Backlog, TaskQuery
from profilecore.task import Status, Step, Task
from profilecore.testing.samples import AT, SECOND
from profilecore.testing.task_samples import (
    LEASE,
    cancel,
    die,
    one,
    refused,
    start,
    step,
    stored,
)

EVENTS = ("submitted", "started", "succeeded", "failed", "retried", "dead", "cancelled")


class Observed:
    """Tasks in memory on a clock that stands still, and what is counted of them."""

    def __init__(self) -> None:
        self.now = AT
        self.registry = CollectorRegistry()
        self.metrics = TaskMetrics(self.registry, ["echo", "mail"])
        self.store = MemoryTasks(lambda: self.now)
        self.tasks = ObservedTasks(self.store, Metrics(self.registry), self.metrics)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def counted(self, type_: str = "echo") -> dict[str, float]:
        """What is not zero."""
        found = {what: self.value(f"tasks_{what}_total", type=type_) for what in EVENTS}
        return {what: number for what, number in found.items() if number}

    @property
    def rescues(self) -> float:
        return self.value("task_lease_rescues_total")


@pytest.fixture
def observed() -> Observed:
    return Observed()


def succeed(task: Task, at: Any) -> Task:
    return task.succeeded(at, task.fence, None)


def fail(task: Task, at: Any) -> Task:
    return task.failed(at, task.fence, "boom")


def test_every_count_of_a_known_type_is_there_from_the_start(observed: Observed) -> None:
    """A rate of what was never seen cannot tell zero from nothing."""
    for what in EVENTS:
        for type_ in ("echo", "mail"):
            labels = {"type": type_}
            assert observed.registry.get_sample_value(f"tasks_{what}_total", labels) == 0


@pytest.mark.parametrize(
    ("steps", "counted"),
    [
        ([], {}),
        ([start], {"started": 1}),
        ([start, succeed], {"started": 1, "succeeded": 1}),
        ([start, fail], {"started": 1, "failed": 1, "retried": 1}),
        ([start, die], {"started": 1, "failed": 1, "dead": 1}),
        ([cancel], {"cancelled": 1}),
        ([start, cancel], {"started": 1}),
        ([start, cancel, lambda t, at: t.stopped(at, t.fence)], {"started": 1, "cancelled": 1}),
        ([start, cancel, fail], {"started": 1, "failed": 1, "cancelled": 1}),
        ([start, lambda t, at: t.renewed(at, t.fence, LEASE, 0.5)], {"started": 1}),
        ([start, lambda t, at: t.handed_back(at, t.fence)], {"started": 1}),
        ([start, die, lambda t, at: t.retried(at)], {"started": 1, "failed": 1, "dead": 1}),
        ([lambda t, at: t.postponed(at, SECOND, "nobody knows it")], {}),
        ([lambda t, at: t.rescheduled(at, None, 3)], {}),
        ([lambda t, at: t.queued(at, t.due_at or at, LEASE), start], {"started": 1}),
        ([lambda t, at: t.queued(at, t.due_at or at, LEASE), lambda t, at: t.released(at)], {}),
    ],
)
async def test_what_a_step_counts_as(
    observed: Observed, steps: list[Step], counted: dict[str, float]
) -> None:
    task = await one(observed.tasks)
    for take in steps:
        await step(observed.tasks, task, take)
    assert observed.counted() == {"submitted": 1} | counted
    assert observed.rescues == 0


async def test_a_rescue_is_a_failed_attempt_and_is_counted_apart(observed: Observed) -> None:
    task = await one(observed.tasks, max_attempts=2)
    for number in (1, 2):
        running = await step(observed.tasks, task, start)
        observed.now += LEASE
        (claim,) = (await observed.tasks.claim(1, SECOND)).claims

        def rescue(task: Task, at: Any, fence: int = running.fence, due: Any = claim) -> Task:
            return task.rescued(at, fence, due.due_at)

        await step(observed.tasks, task, rescue)
        assert observed.rescues == number
        observed.now += timedelta(hours=2)
    expected = {"submitted": 1, "started": 2, "failed": 2, "retried": 1, "dead": 1}
    assert observed.counted() == expected


async def test_what_is_refused_is_not_counted(observed: Observed) -> None:
    task = await one(observed.tasks)
    await step(observed.tasks, task, start)
    before = observed.counted()
    await refused(observed.tasks, task, start)
    await refused(observed.tasks, task, lambda t, at: t.succeeded(at, t.fence + 1, None))
    assert isinstance((await observed.tasks.write({new_id(): start})).popitem()[1], NotFound)
    late = Order(type="echo", run_at=AT + DELAY_MAX + SECOND)
    (outcome,) = await observed.tasks.add([late])
    assert isinstance(outcome, Invalid)
    assert observed.counted() == before == {"submitted": 1, "started": 1}


async def test_a_task_that_is_there_already_is_not_submitted_again(observed: Observed) -> None:
    first = await one(observed.tasks, unique_key="k")
    assert await one(observed.tasks, unique_key="k") == first
    assert observed.counted() == {"submitted": 1}


async def test_the_last_try_of_a_step_is_the_one_that_counts(observed: Observed) -> None:
    """A store takes a step again where another writer was faster."""
    task = await one(observed.tasks)

    class Twice(MemoryTasks):
        async def write(self, steps: Any) -> Any:
            for take in steps.values():
                take(task, AT)  # from what is not stored any more
            return await observed.store.write(steps)

    tasks = ObservedTasks(Twice(), Metrics(CollectorRegistry()), observed.metrics)
    await step(observed.tasks, task, start)
    running = await step(tasks, task, cancel)
    assert running.status is Status.RUNNING
    assert observed.counted() == {"submitted": 1, "started": 1}


async def test_a_type_that_nobody_has_registered_is_one_of_the_others(observed: Observed) -> None:
    """Names come from callers, and labels must not."""
    for type_ in ("unheard-of", "never-seen", "mail"):
        await step(observed.tasks, await one(observed.tasks, type=type_), start)
    assert observed.counted("other") == {"submitted": 2, "started": 2}
    assert observed.counted("mail") == {"submitted": 1, "started": 1}
    assert observed.counted("unheard-of") == {}


async def test_lateness_is_from_when_it_was_to_run_to_when_it_began(observed: Observed) -> None:
    task = await one(observed.tasks, delay=timedelta(seconds=30))
    observed.now += timedelta(seconds=30.25)
    await step(observed.tasks, task, start)
    name = "task_lateness_seconds"
    assert observed.value(f"{name}_count") == 1
    assert observed.value(f"{name}_sum") == 0.25
    assert observed.value(f"{name}_bucket", le="0.25") == 1, "an edge stands at the promise"
    assert observed.value(f"{name}_bucket", le="0.1") == 0


async def test_run_time_is_that_of_each_attempt_by_type(observed: Observed) -> None:
    for type_, seconds, end in (("echo", 2.0, succeed), ("echo", 1.0, die), ("mail", 0.5, fail)):
        task = await one(observed.tasks, type=type_)
        await step(observed.tasks, task, start)
        observed.now += timedelta(seconds=seconds)
        await step(observed.tasks, task, end)
    name = "task_run_seconds"
    assert observed.value(f"{name}_count", type="echo") == 2
    assert observed.value(f"{name}_sum", type="echo") == 3.0
    assert observed.value(f"{name}_sum", type="mail") == 0.5
    assert observed.value("task_lateness_seconds_count") == 3, "and lateness not by type"


async def test_the_backlog_is_shown_with_its_zeros(observed: Observed) -> None:
    """A status that nobody has any more goes back to zero."""
    task = await one(observed.tasks)
    observed.now += timedelta(seconds=90)
    observed.metrics.seen(await observed.store.backlog())
    assert observed.value("tasks_waiting", status="scheduled") == 1
    assert observed.value("task_oldest_due_seconds") == 90
    await step(observed.tasks, task, start)
    observed.metrics.seen(await observed.store.backlog())
    for status, number in (("scheduled", 0), ("queued", 0), ("running", 1)):
        labels = {"status": status}
        assert observed.registry.get_sample_value("tasks_waiting", labels) == number
    assert observed.value("task_oldest_due_seconds") == 0
    observed.metrics.seen(Backlog({}, timedelta(0)))
    assert observed.value("tasks_waiting", status="running") == 0


def calls(tasks: ObservedTasks) -> dict[str, Awaitable[Any]]:
    return {
        "add": tasks.add([]),
        "get": tasks.get([]),
        "list": tasks.list(TaskQuery()),
        "write": tasks.write({}),
        "claim": tasks.claim(1, SECOND),
    }


async def test_each_verb_is_timed(observed: Observed) -> None:
    for operation, call in calls(observed.tasks).items():
        await call
        name = "database_operation_latency_seconds_count"
        assert observed.value(name, port="tasks", operation=operation) == 1


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (Unavailable("down"), "unavailable"),
        (RuntimeError("bug"), "unexpected"),
        (Conflict("no"), None),
    ],
)
async def test_each_failure_is_counted_and_a_refusal_is_none(
    observed: Observed, error: Exception, label: str | None
) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            async def verb(*_: object) -> None:
                raise error

            return verb

    failing: Any = Failing()
    registry = CollectorRegistry()
    tasks = ObservedTasks(failing, Metrics(registry), observed.metrics)
    for operation, call in calls(tasks).items():
        with pytest.raises(type(error)):
            await call
        for kind in ("unavailable", "unexpected"):
            labels = {"port": "tasks", "operation": operation, "error": kind}
            assert registry.get_sample_value("database_errors_total", labels) == (kind == label)


async def test_what_was_written_and_not_answered_is_not_counted(observed: Observed) -> None:
    """Nobody knows whether it was stored; whoever asks again is refused, and counts nothing."""
    task = await one(observed.tasks)

    class Deaf(MemoryTasks):
        async def write(self, steps: Any) -> Any:
            await observed.store.write(steps)
            raise Unavailable("The answer was lost.")

    tasks = ObservedTasks(Deaf(), Metrics(CollectorRegistry()), observed.metrics)
    with pytest.raises(Unavailable):
        await tasks.write({task.id: start})
    assert (await stored(observed.tasks, task)).status is Status.RUNNING
    assert observed.counted() == {"submitted": 1}
