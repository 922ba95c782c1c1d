"""What is asked of the tasks as a whole: what is due, which there are, how many wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from profilecore.task import Status, Task


@dataclass(frozen=True, slots=True)
class Claim:
    """What a dispatcher has to know of a task that it has claimed until `due_at`."""

    id: UUID
    type: str
    status: Status
    priority: int
    fence: int
    due_at: datetime
    trace: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claims:
    """What was claimed, and how long it is until the next task is due, None where none is."""

    claims: tuple[Claim, ...]
    next_in: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Which tasks to list: those below id `after`, in that status, of that type; None for any."""

    limit: int = 50
    after: UUID | None = None
    status: Status | None = None
    type: str | None = None

    def matches(self, task: Task) -> bool:
        """Whether a list with this query has it, on this page or a later one."""
        return (
            (self.after is None or task.id < self.after)
            and self.status in (None, task.status)
            and self.type in (None, task.type)
        )


@dataclass(frozen=True, slots=True)
class Mentions:
    """Some of the tasks whose payloads mention a text, and after which id to look on.

    `last` is None where there are no more tasks to look at.
    """

    ids: tuple[UUID, ...]
    last: UUID | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many tasks are in each state but the final ones, and how long the oldest is due.

    A task is due once its `run_at` has passed, until it starts.
    """

    counts: Mapping[Status, int]
    oldest_due: timedelta
