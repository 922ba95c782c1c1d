"""A task: work to be done once, later, and the states it goes through."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from profilecore.errors import Conflict, Invalid

BACKOFF_FIRST = timedelta(seconds=1)
BACKOFF_MAX = timedelta(hours=1)


class Status(StrEnum):
    """Where a task stands; the last three are final, but a dead task can be retried."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One state of a task; each step gives the next state or raises Conflict (`task_state`).

    `fence` goes up with every start: whoever settles with an older one is a zombie. A queued or
    running task is held until `lease_until`; then anybody may rescue it. Times are in UTC.
    """

    id: UUID
    type: str
    payload: Mapping[str, Any]
    run_at: datetime
    created_at: datetime
    updated_at: datetime
    status: Status = Status.SCHEDULED
    priority: int = 0
    attempt: int = 0
    max_attempts: int = 5
    unique_key: str | None = None
    progress: float | None = None
    result: Any = None
    error: str | None = None
    lease_until: datetime | None = None
    fence: int = 0
    cancelling: bool = False

    def __post_init__(self) -> None:
        if not self.type:
            raise Invalid.field("type", "must not be empty")
        if self.max_attempts < 1:
            raise Invalid.field("max_attempts", "must be 1 or more")

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in (Status.SUCCEEDED, Status.DEAD, Status.CANCELLED)

    def due(self, at: datetime) -> bool:
        """Whether it waits to be dispatched."""
        return self.status is Status.SCHEDULED and self.run_at <= at

    def queued(self, at: datetime, lease: timedelta) -> Self:
        """Handed to the queue; if nobody starts it within `lease`, it is rescued."""
        self._must_be(Status.SCHEDULED)
        return self._to(Status.QUEUED, at, lease_until=at + lease)

    def started(self, at: datetime, lease: timedelta) -> Self:
        """One more attempt, with a new fence."""
        self._must_be(Status.QUEUED)
        return self._to(
            Status.RUNNING,
            at,
            attempt=self.attempt + 1,
            fence=self.fence + 1,
            lease_until=at + lease,
            progress=None,
        )

    def renewed(self, at: datetime, lease: timedelta, progress: float | None = None) -> Self:
        """Still running; `progress` is a fraction from 0 to 1."""
        self._must_be(Status.RUNNING)
        if progress is None:
            progress = self.progress
        return self._to(Status.RUNNING, at, lease_until=at + lease, progress=progress)

    def succeeded(self, at: datetime, result: Any) -> Self:
        """Done; the error of an attempt before is forgotten."""
        self._must_be(Status.RUNNING)
        return self._to(Status.SUCCEEDED, at, result=result, error=None, progress=1.0)

    def failed(self, at: datetime, error: str) -> Self:
        """Scheduled again after a back-off, dead after the last attempt, or cancelled if asked."""
        self._must_be(Status.RUNNING)
        if self.cancelling:
            return self._to(Status.CANCELLED, at, error=error)
        if self.attempt >= self.max_attempts:
            return self._to(Status.DEAD, at, error=error)
        return self._to(Status.SCHEDULED, at, error=error, run_at=at + backoff(self.attempt))

    def rescued(self, at: datetime) -> Self:
        """Taken back from a holder whose lease has run out."""
        self._must_be(Status.QUEUED, Status.RUNNING)
        if self.lease_until is not None and at < self.lease_until:
            raise Conflict(f"Task {self.id} is leased until {self.lease_until}.", code="task_state")
        if self.status is Status.RUNNING:
            return self.failed(at, "the worker was lost")
        return self._to(Status.SCHEDULED, at, run_at=at)

    def cancelled(self, at: datetime) -> Self:
        """Cancelled at once if it has not started; asked to stop if it is running."""
        self._must_be(Status.SCHEDULED, Status.QUEUED, Status.RUNNING)
        if self.status is Status.RUNNING:
            return replace(self, cancelling=True, updated_at=at)
        return self._to(Status.CANCELLED, at)

    def stopped(self, at: datetime) -> Self:
        """A running task gave way to its cancellation."""
        self._must_be(Status.RUNNING)
        return self._to(Status.CANCELLED, at)

    def rescheduled(self, at: datetime, run_at: datetime, priority: int | None = None) -> Self:
        """Due at another time."""
        self._must_be(Status.SCHEDULED)
        if priority is None:
            priority = self.priority
        return self._to(Status.SCHEDULED, at, run_at=run_at, priority=priority)

    def retried(self, at: datetime) -> Self:
        """A dead task gets all its attempts again, now."""
        self._must_be(Status.DEAD)
        return self._to(Status.SCHEDULED, at, run_at=at, attempt=0)

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            needed = " or ".join(allowed)
            detail = f"Task {self.id} is {self.status}; this takes one that is {needed}."
            raise Conflict(detail, code="task_state")

    def _to(self, status: Status, at: datetime, **changes: Any) -> Self:
        held = status in (Status.QUEUED, Status.RUNNING)
        if not held:
            changes |= {"lease_until": None, "cancelling": False}
        return replace(self, status=status, updated_at=at, **changes)


def backoff(attempt: int) -> timedelta:
    """How long to wait after failed attempt number `attempt` (1, 2, …).

    Exponential with full jitter, from 0 to the smaller of `BACKOFF_MAX` and
    `BACKOFF_FIRST` · 2^attempt (Brooker, "Exponential Backoff And Jitter", 2015).
    """
    ceiling = min(BACKOFF_MAX, BACKOFF_FIRST * (1 << min(attempt, 20)))
    return random.random() * ceiling  # noqa: S311 - spreads load, keeps no secret
