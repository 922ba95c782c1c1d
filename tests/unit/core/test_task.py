"""The states of a task: what may follow what, and what each step changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilecore.errors import Conflict
from profilecore.identifiers import new_id
from profilecore.task import (
    BACKOFF_FIRST,
    BACKOFF_MAX,
    FAILURE_MAX,
    FAILURES_KEPT,
    FINISHED,
    LOST,
    Status,
    Task,
    backoff,
)
from profilecore.testing.samples import AT, SECOND

LEASE: Final = 30 * SECOND
LATER: Final = AT + SECOND
TICK: Final = timedelta(microseconds=1)
S = Status


def task(**fields: Any) -> Task:
    base: dict[str, Any] = {"type": "echo", "payload": {}, "run_at": AT, "due_at": AT}
    base |= {"id": new_id(), "created_at": AT, "updated_at": AT}
    return Task(**base | fields)


def queued(**fields: Any) -> Task:
    return task(**fields).queued(AT, AT, LEASE)


def running(**fields: Any) -> Task:
    return task(**fields).started(AT, LEASE)


def sample(status: Status, **fields: Any) -> Task:
    """A task in each status, in which nobody else than its holder can be mistaken."""
    made = {
        S.SCHEDULED: lambda: task(**fields),
        S.QUEUED: lambda: queued(**fields),
        S.RUNNING: lambda: running(**fields),
        S.SUCCEEDED: lambda: running(**fields).succeeded(AT, 1, None),
        S.DEAD: lambda: running(**fields).failed(AT, 1, "boom", final=True),
        S.CANCELLED: lambda: task(**fields).cancelled(AT),
    }[status]()
    assert made.status is status
    return made


# Each step, in time and by whoever holds the task.
STEPS: Final[dict[str, Callable[[Task], Task]]] = {
    "queued": lambda t: t.queued(LATER, t.due_at or AT, LEASE),
    "unclaimed": lambda t: t.unclaimed(LATER, t.due_at or AT),
    "started": lambda t: t.started(LATER, LEASE),
    "postponed": lambda t: t.postponed(LATER, SECOND, "unknown"),
    "renewed": lambda t: t.renewed(LATER, t.fence, LEASE),
    "succeeded": lambda t: t.succeeded(LATER, t.fence, {"ok": True}),
    "failed": lambda t: t.failed(LATER, t.fence, "boom"),
    "stopped": lambda t: t.stopped(LATER, t.fence),
    "handed_back": lambda t: t.handed_back(LATER, t.fence),
    "released": lambda t: t.released(LATER),
    "rescued": lambda t: t.rescued(LATER, t.fence, t.due_at or AT),
    "cancelled": lambda t: t.cancelled(LATER),
    "rescheduled": lambda t: t.rescheduled(LATER, LATER, None),
    "retried": lambda t: t.retried(LATER),
}
WAITING: Final = (S.SCHEDULED, S.QUEUED)
FOLLOWS: Final[dict[str, dict[Status, Status]]] = {
    "queued": dict.fromkeys(WAITING, S.QUEUED),
    "unclaimed": {status: status for status in WAITING},
    "started": dict.fromkeys(WAITING, S.RUNNING),
    "postponed": dict.fromkeys(WAITING, S.SCHEDULED),
    "renewed": {S.RUNNING: S.RUNNING},
    "succeeded": {S.RUNNING: S.SUCCEEDED},
    "failed": {S.RUNNING: S.SCHEDULED},
    "stopped": {S.RUNNING: S.CANCELLED},
    "handed_back": {S.RUNNING: S.SCHEDULED},
    "released": dict.fromkeys(WAITING, S.SCHEDULED),
    "rescued": {S.RUNNING: S.SCHEDULED},
    "cancelled": {**dict.fromkeys(WAITING, S.CANCELLED), S.RUNNING: S.RUNNING},
    "rescheduled": dict.fromkeys(WAITING, S.SCHEDULED),
    "retried": {S.DEAD: S.SCHEDULED},
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", STEPS)
def test_what_may_follow_what(name: str, status: Status) -> None:
    before = sample(status)
    follows = FOLLOWS[name].get(status)
    if follows is None:
        with pytest.raises(Conflict) as refused:
            STEPS[name](before)
        assert refused.value.code == "task_state"
        assert status.value in refused.value.detail
        return
    after = STEPS[name](before)
    assert after.status is follows
    assert (after.revision, after.updated_at) == (before.revision + 1, LATER)
    assert (after.due_at is None) == after.finished == (follows in FINISHED)
    same = {"id", "type", "payload", "created_at", "max_attempts", "unique_key", "trace"}
    assert all(getattr(after, name) == getattr(before, name) for name in same)
    assert after.fence - before.fence == (name == "started")
    counted = {"started": 1, "handed_back": -1, "retried": -1}
    assert after.attempt - before.attempt == counted.get(name, 0)


BY_FENCE: Final[dict[str, Callable[[Task, int], Task]]] = {
    "renewed": lambda t, fence: t.renewed(AT, fence, LEASE),
    "succeeded": lambda t, fence: t.succeeded(AT, fence, None),
    "failed": lambda t, fence: t.failed(AT, fence, "boom"),
    "stopped": lambda t, fence: t.stopped(AT, fence),
    "handed_back": lambda t, fence: t.handed_back(AT, fence),
    "rescued": lambda t, fence: t.rescued(AT, fence, t.due_at or AT),
}


@pytest.mark.parametrize("name", BY_FENCE)
def test_whoever_comes_with_another_fence_is_refused(name: str) -> None:
    again = running().handed_back(AT, 1).started(AT, LEASE)
    assert again.fence == 2
    for fence in (1, 3):
        with pytest.raises(Conflict, match="somebody else"):
            BY_FENCE[name](again, fence)
    assert BY_FENCE[name](again, 2).revision == again.revision + 1


def test_it_does_not_start_before_its_time() -> None:
    for waiting in (task(run_at=LATER), queued(run_at=LATER)):
        with pytest.raises(Conflict, match="not due"):
            waiting.started(LATER - TICK, LEASE)
        assert waiting.started(LATER, LEASE).started_at == LATER


@pytest.mark.parametrize("status", WAITING)
def test_what_is_taken_out_of_a_queue_is_not_due_before_its_time(status: Status) -> None:
    assert sample(status).released(LATER).due_at == LATER
    assert replace(sample(status), run_at=LATER).released(AT).due_at == LATER


@pytest.mark.parametrize("status", WAITING)
def test_a_claim_that_was_overtaken_changes_nothing(status: Status) -> None:
    claimed = replace(sample(status), due_at=LATER)
    assert claimed.queued(AT, LATER, LEASE).due_at == AT + LEASE
    assert claimed.unclaimed(AT, LATER).due_at == AT
    for moved in (claimed.rescheduled(AT, AT, None), claimed.postponed(AT, LEASE, "x")):
        with pytest.raises(Conflict, match="not claimed"):
            moved.queued(AT, LATER, LEASE)
        with pytest.raises(Conflict, match="not claimed"):
            moved.unclaimed(AT, LATER)


def test_a_lease_that_was_renewed_meanwhile_is_not_taken_away() -> None:
    claimed = replace(running(), due_at=LATER)
    rescued = claimed.rescued(AT, 1, LATER)
    assert (rescued.status, rescued.error, rescued.attempt) == (S.SCHEDULED, LOST, 1)
    with pytest.raises(Conflict, match="not claimed"):
        claimed.renewed(AT, 1, LEASE).rescued(AT, 1, LATER)


def test_a_task_dies_after_its_last_attempt_and_lives_again_on_request() -> None:
    one = running(max_attempts=2).failed(AT, 1, "first")
    assert (one.status, one.error, one.attempt) == (S.SCHEDULED, "first", 1)
    assert AT <= one.run_at <= AT + 2 * BACKOFF_FIRST
    assert one.due_at == one.run_at
    dead = one.started(one.run_at, LEASE).failed(LATER, 2, "second")
    assert (dead.status, dead.error) == (S.DEAD, "second")
    assert [(e.attempt, e.at, e.text) for e in dead.errors] == [
        (1, AT, "first"),
        (2, LATER, "second"),
    ]
    again = dead.retried(LATER)
    assert (again.attempt, again.fence, again.run_at, again.due_at) == (0, 2, LATER, LATER)
    assert again.errors == dead.errors, "its history stays"


def test_a_task_that_cannot_succeed_is_dead_at_once() -> None:
    assert running().failed(AT, 1, "no", final=True).status is S.DEAD


def test_success_shows_no_error() -> None:
    done = running().failed(AT, 1, "before").started(AT + LEASE, LEASE).succeeded(AT, 2, 42)
    assert (done.result, done.error, done.progress) == (42, None, 1.0)
    assert len(done.errors) == 1
    assert task().error is None


@pytest.mark.parametrize("how", ["failed", "stopped", "handed_back", "rescued"])
def test_a_running_task_that_was_asked_to_stop_ends_cancelled(how: str) -> None:
    asked = running().cancelled(AT)
    assert (asked.status, asked.cancelling, asked.due_at) == (S.RUNNING, True, AT + LEASE)
    assert asked.cancelled(AT).cancelling, "twice is once"
    assert asked.renewed(AT, 1, LEASE).cancelling, "the wish is kept"
    ended = STEPS[how](asked)
    assert (ended.status, ended.cancelling) == (S.CANCELLED, False)


def test_a_task_that_succeeds_nevertheless_has_succeeded() -> None:
    done = running().cancelled(AT).succeeded(AT, 1, None)
    assert (done.status, done.cancelling) == (S.SUCCEEDED, False)


def test_progress_stays_until_told_and_starts_anew() -> None:
    half = running().renewed(AT, 1, LEASE, progress=0.5)
    assert half.renewed(AT, 1, LEASE).progress == 0.5
    assert half.renewed(LATER, 1, LEASE).due_at == LATER + LEASE
    assert half.failed(AT, 1, "x").started(AT + LEASE, LEASE).progress is None
    assert half.handed_back(AT, 1).progress is None


def test_rescheduling_changes_what_was_asked() -> None:
    later = queued(priority=3).rescheduled(AT, LATER, None)
    assert (later.run_at, later.due_at, later.priority) == (LATER, LATER, 3)
    urgent = later.rescheduled(AT, None, 0)
    assert (urgent.run_at, urgent.due_at, urgent.priority) == (LATER, LATER, 0)


def test_an_attempt_that_was_handed_back_does_not_count() -> None:
    last = running(max_attempts=1)
    back = last.handed_back(LATER, 1)
    assert (back.attempt, back.due_at, back.run_at) == (0, LATER, AT)
    assert back.started(LATER, LEASE).failed(LATER, 2, "x").status is S.DEAD


def test_a_task_that_nobody_knows_says_so_once() -> None:
    waits = task().postponed(AT, SECOND, "unknown")
    assert (waits.run_at, waits.due_at, waits.error) == (AT, LATER, "unknown")
    again = waits.queued(LATER, LATER, LEASE).postponed(LATER, SECOND, "unknown")
    assert len(again.errors) == 1
    other = again.postponed(LATER, SECOND, "other")
    assert [e.text for e in other.errors] == ["unknown", "other"]
    assert other.started(LATER, LEASE).status is S.RUNNING, "by whoever does know it"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a\0b", "ab"),
        ("\udcff", "\\udcff"),
        ("x" * FAILURE_MAX + "y", "x" * FAILURE_MAX),
        ("ü 李 \U0001f600", "ü 李 \U0001f600"),
    ],
)
def test_an_error_may_say_anything(said: str, kept: str) -> None:
    """And is text that any store can keep."""
    assert running().failed(AT, 1, said).error == kept
    assert task().postponed(AT, SECOND, said).error == kept
    json.dumps(kept, ensure_ascii=False).encode()


@given(st.integers(1, 10_000))
def test_back_off_has_bounds(attempt: int) -> None:
    wait = backoff(attempt)
    assert timedelta(0) <= wait <= BACKOFF_MAX
    assert wait <= BACKOFF_FIRST * 2 ** min(attempt, 30)


def test_back_off_grows_and_is_spread() -> None:
    means = [sum((backoff(n) for _ in range(300)), timedelta(0)) / 300 for n in (1, 4, 8)]
    assert means[0] < means[1] < means[2]
    assert len({backoff(3) for _ in range(50)}) > 40


def test_of_a_task_that_is_retried_for_ever_the_last_errors_are_kept() -> None:
    tried = task(max_attempts=1)
    for number in range(FAILURES_KEPT + 5):
        started = tried.started(LATER, LEASE)
        tried = started.failed(LATER, started.fence, f"error {number}").retried(LATER)
    assert len(tried.errors) == FAILURES_KEPT
    assert tried.errors[-1].text == f"error {FAILURES_KEPT + 4}"
