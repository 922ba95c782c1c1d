"""The states of a task, played against a table of what may follow what."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from profilecore.errors import Conflict, Invalid
from profilecore.identifiers import new_id
from profilecore.task import BACKOFF_FIRST, BACKOFF_MAX, Status, Task, backoff
from tests.contracts.samples import AT, SECOND

LEASE = 30 * SECOND


def task(**fields: object) -> Task:
    base = {"type": "echo", "payload": {}, "run_at": AT, "created_at": AT, "updated_at": AT}
    return Task(**{"id": new_id()} | base | fields)  # type: ignore[arg-type]


STEPS: Final[dict[str, Callable[[Task], Task]]] = {
    "queued": lambda t: t.queued(AT, LEASE),
    "started": lambda t: t.started(AT, LEASE),
    "renewed": lambda t: t.renewed(AT + SECOND, LEASE),
    "succeeded": lambda t: t.succeeded(AT, {"ok": True}),
    "failed": lambda t: t.failed(AT, "boom"),
    "rescued": lambda t: t.rescued(AT + 100 * LEASE),
    "cancelled": lambda t: t.cancelled(AT),
    "stopped": lambda t: t.stopped(AT),
    "rescheduled": lambda t: t.rescheduled(AT, AT + SECOND),
    "retried": lambda t: t.retried(AT),
}
S = Status
ALLOWED: Final = {
    "queued": {S.SCHEDULED: {S.QUEUED}},
    "started": {S.QUEUED: {S.RUNNING}},
    "renewed": {S.RUNNING: {S.RUNNING}},
    "succeeded": {S.RUNNING: {S.SUCCEEDED}},
    "failed": {S.RUNNING: {S.SCHEDULED, S.DEAD, S.CANCELLED}},
    "rescued": {
        S.QUEUED: {S.SCHEDULED},
        S.RUNNING: {S.SCHEDULED, S.DEAD, S.CANCELLED},
    },
    "cancelled": {
        S.SCHEDULED: {S.CANCELLED},
        S.QUEUED: {S.CANCELLED},
        S.RUNNING: {S.RUNNING},
    },
    "stopped": {S.RUNNING: {S.CANCELLED}},
    "rescheduled": {S.SCHEDULED: {S.SCHEDULED}},
    "retried": {S.DEAD: {S.SCHEDULED}},
}


class TaskMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.task = task(max_attempts=3)
        self.fence = 0

    @rule(name=st.sampled_from(list(STEPS)))
    def step(self, name: str) -> None:
        before = self.task
        allowed = ALLOWED[name].get(before.status)
        try:
            self.task = STEPS[name](before)
        except Conflict as conflict:
            assert conflict.code == "task_state"  # noqa: PT017 - either end will do
            assert allowed is None
            return
        assert allowed is not None
        assert self.task.status in allowed
        assert (self.task.id, self.task.type) == (before.id, before.type)
        if name == "started":
            assert self.task.fence == before.fence + 1
            assert self.task.attempt == before.attempt + 1
        elif name != "retried":
            assert (self.task.fence, self.task.attempt) == (before.fence, before.attempt)

    @invariant()
    def it_is_sound(self) -> None:
        now = self.task
        assert now.fence >= self.fence, "a fence only grows"
        self.fence = now.fence
        held = now.status in (S.QUEUED, S.RUNNING)
        assert (now.lease_until is not None) == held
        assert not now.cancelling or now.status is S.RUNNING
        assert now.finished == (now.status in (S.SUCCEEDED, S.DEAD, S.CANCELLED))
        assert now.attempt <= now.max_attempts
        assert now.due(now.run_at) == (now.status is S.SCHEDULED)


TestTask = TaskMachine.TestCase
TestTask.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def running(**fields: object) -> Task:
    return task(**fields).queued(AT, LEASE).started(AT, LEASE)


def test_it_is_due_at_its_time() -> None:
    assert not task().due(AT - SECOND)
    assert task().due(AT)


def test_a_lease_is_respected_until_it_runs_out() -> None:
    for held in (task().queued(AT, LEASE), running()):
        with pytest.raises(Conflict):
            held.rescued(AT + LEASE - SECOND)
        assert held.rescued(AT + LEASE).status is Status.SCHEDULED
    assert running().rescued(AT + LEASE).error == "the worker was lost"


def test_a_task_dies_after_its_last_attempt_and_lives_again_on_request() -> None:
    one = running(max_attempts=2).failed(AT, "first")
    assert (one.status, one.error, one.attempt) == (Status.SCHEDULED, "first", 1)
    assert AT <= one.run_at <= AT + 2 * BACKOFF_FIRST
    dead = one.queued(AT, LEASE).started(AT, LEASE).failed(AT, "second")
    assert (dead.status, dead.error) == (Status.DEAD, "second")
    again = dead.retried(AT)
    assert (again.status, again.attempt, again.fence) == (Status.SCHEDULED, 0, 2)


def test_success_forgets_the_error_before() -> None:
    done = running(error="before").succeeded(AT, 42)
    assert (done.result, done.error, done.progress) == (42, None, 1.0)


def test_a_running_task_is_asked_to_stop() -> None:
    asked = running().cancelled(AT)
    assert (asked.status, asked.cancelling) == (Status.RUNNING, True)
    assert asked.failed(AT, "gave way").status is Status.CANCELLED
    assert asked.stopped(AT).status is Status.CANCELLED
    assert asked.succeeded(AT, None).status is Status.SUCCEEDED
    assert asked.rescued(AT + LEASE).status is Status.CANCELLED


def test_progress_stays_until_told_and_starts_anew() -> None:
    half = running().renewed(AT, LEASE, progress=0.5)
    assert half.renewed(AT, LEASE).progress == 0.5
    assert half.failed(AT, "x").queued(AT, LEASE).started(AT, LEASE).progress is None


def test_rescheduling_keeps_or_sets_the_priority() -> None:
    later = task(priority=3).rescheduled(AT, AT + SECOND)
    assert (later.run_at, later.priority) == (AT + SECOND, 3)
    assert later.rescheduled(AT, AT, priority=0).priority == 0


def test_what_is_no_task() -> None:
    for wrong in ({"type": ""}, {"max_attempts": 0}):
        with pytest.raises(Invalid):
            task(**wrong)


@given(st.integers(1, 10_000))
def test_back_off_has_bounds(attempt: int) -> None:
    wait = backoff(attempt)
    assert timedelta(0) <= wait <= BACKOFF_MAX
    assert wait <= BACKOFF_FIRST * 2 ** min(attempt, 30)
