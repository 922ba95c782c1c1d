"""What the machine that plays with tasks knows of each, by its own rules."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from profilecore.task import Status, Task
from profilecore.tasks.dispatcher import CLAIM
from profilecore.testing.samples import SECOND

LEASE: Final = 7 * SECOND
QUEUED_FOR: Final = 20 * SECOND
PAUSE: Final = 3 * SECOND
WAITING: Final = frozenset({Status.SCHEDULED, Status.QUEUED})
TICK: Final = timedelta(microseconds=1)
MOST: Final = 40  # tasks in a play: fewer than a dispatcher takes at once

spans = st.sampled_from([0, 0, 1, 2, 5, 60]).map(lambda seconds: seconds * SECOND)
moves = st.sampled_from([TICK, SECOND, 2 * SECOND, CLAIM, LEASE, QUEUED_FOR, timedelta(hours=2)])


@dataclass
class Row:
    """What the model knows of a task."""

    type: str
    key: str | None
    run_at: datetime
    due_at: datetime | None
    priority: int
    max_attempts: int
    status: Status = Status.SCHEDULED
    attempt: int = 0
    fence: int = 0
    cancelling: bool = False
    progress: float | None = None
    errors: list[str] = field(default_factory=list)
    successes: int = 0

    def end(self, status: Status) -> None:
        self.status, self.due_at, self.cancelling = status, None, False

    def facts(self) -> tuple[object, ...]:
        return (
            *(self.type, self.key, self.run_at, self.due_at, self.priority, self.max_attempts),
            *(self.status, self.attempt, self.fence, self.cancelling, self.progress),
            tuple(self.errors),
        )


def facts(task: Task) -> tuple[object, ...]:
    """The same of a task that is stored."""
    return (
        *(task.type, task.unique_key, task.run_at, task.due_at, task.priority, task.max_attempts),
        *(task.status, task.attempt, task.fence, task.cancelling, task.progress),
        tuple(failure.text for failure in task.errors),
    )


@dataclass(frozen=True)
class Hold:
    """One start of a task, by somebody who believes that it is still theirs."""

    task_id: UUID
    fence: int
