"""A task: work to be done once, later, and the states it goes through."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias
from uuid import UUID

from profilecore.errors import Conflict, NotFound

BACKOFF_FIRST: Final = timedelta(seconds=1)
BACKOFF_MAX: Final = timedelta(hours=1)
FAILURE_MAX: Final = 1_000  # characters
FAILURES_KEPT: Final = 100  # the last of them; an attempt can be retried for ever
LOST: Final = "the worker was lost"


class Status(StrEnum):
    """Where a task stands; the last three are final, but a dead task can be retried."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


FINISHED: Final = frozenset({Status.SUCCEEDED, Status.DEAD, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task did not get on: in which attempt (0 before the first), when, and what was said."""

    attempt: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One state of a task; each step gives the next state or raises Conflict (`task_state`).

    `run_at` is when it may start. `due_at` is when somebody has to look at it again: at `run_at`,
    or at the end of the lease of whoever has it in hand; None once it has ended. `fence` goes up
    with every start: whoever comes with an older one is a zombie. `revision` goes up with every
    step. Times are in UTC, and all of them by the clock of the store.
    """

    id: UUID
    type: str
    payload: Mapping[str, Any]
    run_at: datetime
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    status: Status = Status.SCHEDULED
    priority: int = 0
    attempt: int = 0
    max_attempts: int = 5
    unique_key: str | None = None
    progress: float | None = None
    result: Any = None
    errors: tuple[Failure, ...] = ()
    started_at: datetime | None = None
    fence: int = 0
    cancelling: bool = False
    trace: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in FINISHED

    @property
    def error(self) -> str | None:
        """What went wrong last; None once it has succeeded."""
        if not self.errors or self.status is Status.SUCCEEDED:
            return None
        return self.errors[-1].text

    def queued(self, at: datetime, claimed_until: datetime, lease: timedelta) -> Self:
        """Handed to the queue; if nobody starts it within `lease`, it is handed over again."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        self._must_be_claimed(claimed_until)
        return self._to(Status.QUEUED, at, due_at=at + lease)

    def unclaimed(self, at: datetime, claimed_until: datetime) -> Self:
        """Whoever claimed it could not hand it over: it is anybody's again."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        self._must_be_claimed(claimed_until)
        return self._to(self.status, at, due_at=at)

    def started(self, at: datetime, lease: timedelta) -> Self:
        """One more attempt, with a new fence; never before `run_at`."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        if at < self.run_at:
            raise Conflict(f"Task {self.id} is not due before {self.run_at}.", code="task_state")
        return self._to(
            Status.RUNNING,
            at,
            attempt=self.attempt + 1,
            fence=self.fence + 1,
            due_at=at + lease,
            started_at=at,
            progress=None,
        )

    def postponed(self, at: datetime, pause: timedelta, why: str) -> Self:
        """Nobody here can start it: it stays due, is looked at again after `pause`, and says so."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        errors = self.errors if self.error == why else self._failures(at, why, attempt=0)
        return self._to(Status.SCHEDULED, at, due_at=at + pause, errors=errors)

    def renewed(
        self, at: datetime, fence: int, lease: timedelta, progress: float | None = None
    ) -> Self:
        """Still running; `progress` is a fraction from 0 to 1."""
        self._must_run(fence)
        if progress is None:
            progress = self.progress
        return self._to(Status.RUNNING, at, due_at=at + lease, progress=progress)

    def succeeded(self, at: datetime, fence: int, result: Any) -> Self:
        """Done."""
        self._must_run(fence)
        return self._to(Status.SUCCEEDED, at, result=result, progress=1.0)

    def failed(self, at: datetime, fence: int, error: str, *, final: bool = False) -> Self:
        """Scheduled again after a back-off; dead after the last attempt, or where it is `final`.

        Cancelled if that was asked for.
        """
        self._must_run(fence)
        errors = self._failures(at, error, self.attempt)
        if self.cancelling:
            return self._to(Status.CANCELLED, at, errors=errors)
        if final or self.attempt >= self.max_attempts:
            return self._to(Status.DEAD, at, errors=errors)
        run_at = at + backoff(self.attempt)
        return self._to(Status.SCHEDULED, at, errors=errors, run_at=run_at, due_at=run_at)

    def stopped(self, at: datetime, fence: int) -> Self:
        """A running task gave way to its cancellation."""
        self._must_run(fence)
        return self._to(Status.CANCELLED, at)

    def handed_back(self, at: datetime, fence: int) -> Self:
        """A worker that stops gives up an attempt, as if it had not begun; it is due at once.

        Cancelled if that was asked for.
        """
        self._must_run(fence)
        if self.cancelling:
            return self._to(Status.CANCELLED, at)
        return self._to(Status.SCHEDULED, at, attempt=self.attempt - 1, due_at=at, progress=None)

    def released(self, at: datetime) -> Self:
        """Taken out of a queue that ends with its process: it is due at once, if it is its time."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        return self._to(Status.SCHEDULED, at, due_at=max(at, self.run_at))

    def rescued(self, at: datetime, fence: int, claimed_until: datetime) -> Self:
        """Taken from a worker whose lease has run out, unless that has renewed it meanwhile."""
        self._must_run(fence)
        self._must_be_claimed(claimed_until)
        return self.failed(at, fence, LOST)

    def cancelled(self, at: datetime) -> Self:
        """Cancelled at once if it has not started; asked to stop if it is running."""
        self._must_be(Status.SCHEDULED, Status.QUEUED, Status.RUNNING)
        if self.status is Status.RUNNING:
            return self._to(Status.RUNNING, at, cancelling=True, due_at=self.due_at)
        return self._to(Status.CANCELLED, at)

    def rescheduled(self, at: datetime, run_at: datetime | None, priority: int | None) -> Self:
        """Due at another time, or with another priority; None leaves it."""
        self._must_be(Status.SCHEDULED, Status.QUEUED)
        run_at = run_at or self.run_at
        if priority is None:
            priority = self.priority
        return self._to(Status.SCHEDULED, at, run_at=run_at, due_at=run_at, priority=priority)

    def retried(self, at: datetime) -> Self:
        """A dead task gets all its attempts again, now."""
        self._must_be(Status.DEAD)
        return self._to(Status.SCHEDULED, at, run_at=at, due_at=at, attempt=0, progress=None)

    def blanked(self, at: datetime, payload: Mapping[str, Any]) -> Self:
        """Nothing stays of what was said in it, or came of it, but this `payload`.

        What had not succeeded is cancelled, at once also where it is running: whoever runs it may
        hold what is being taken away, and can note nothing any more, for a task that is not
        running refuses that. And a dead one cannot be tried again without what it was given.
        """
        said = (self.result, self.errors, self.unique_key, self.trace)
        ended = self.status in (Status.SUCCEEDED, Status.CANCELLED)
        if ended and self.payload == payload and said == (None, (), None, {}):
            return self
        return self._to(
            self.status if ended else Status.CANCELLED,
            self.updated_at if self.finished else at,
            payload=payload,
            result=None,
            errors=(),
            unique_key=None,
            trace={},
        )

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            needed = " or ".join(allowed)
            detail = f"Task {self.id} is {self.status}; this takes one that is {needed}."
            raise Conflict(detail, code="task_state")

    def _must_run(self, fence: int) -> None:
        self._must_be(Status.RUNNING)
        if fence != self.fence:
            detail = f"Task {self.id} is run by somebody else: this was start {fence} of it."
            raise Conflict(detail, code="task_state")

    def _must_be_claimed(self, until: datetime) -> None:
        # Every step that somebody else has made since the claim has moved it.
        if self.due_at != until:
            detail = f"Task {self.id} is not claimed until {until} any more."
            raise Conflict(detail, code="task_state")

    def _failures(self, at: datetime, text: str, attempt: int) -> tuple[Failure, ...]:
        # What was raised may say anything; this can be stored anywhere.
        text = text.replace("\0", "").encode(errors="backslashreplace").decode()
        failures = (*self.errors, Failure(attempt, at, text[:FAILURE_MAX]))
        return failures[-FAILURES_KEPT:]

    def _to(self, status: Status, at: datetime, **changes: Any) -> Self:
        if status is not Status.RUNNING:
            changes["cancelling"] = False
        return replace(
            self,
            status=status,
            updated_at=at,
            revision=self.revision + 1,
            **{"due_at": None} | changes,
        )


Step: TypeAlias = Callable[[Task, datetime], Task]
"""From a stored task and the store's time to the next state. Raises what it refuses with."""


def not_found(task_id: UUID) -> NotFound:
    """There is no such task, or not any more."""
    return NotFound(f"There is no task {task_id}.")


def key_taken(task: Task) -> Conflict:
    """Another task of its type has its key and is not finished."""
    detail = f"Another task of type {task.type} has its unique_key and is not finished."
    return Conflict(detail, code="task_state")


def kept_changing(task_id: UUID) -> Conflict:
    """Others were faster each time."""
    return Conflict(f"Task {task_id} kept changing; try again.")


def backoff(attempt: int) -> timedelta:
    """How long to wait after failed attempt number `attempt` (1, 2, …).

    Exponential with full jitter, from 0 to the smaller of `BACKOFF_MAX` and
    `BACKOFF_FIRST` · 2^attempt (Brooker, "Exponential Backoff And Jitter", 2015).
    """
    ceiling = min(BACKOFF_MAX, BACKOFF_FIRST * (1 << min(attempt, 20)))
    return random.random() * ceiling  # noqa: S311 - spreads load, keeps no secret
