"""The end of a task, as those are told who follow all of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from profilecore.task import Status, Task

TOLD: Final = frozenset({Status.SUCCEEDED, Status.DEAD})
"""How a task has to end to be told of; a cancellation is known to whoever asked for it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """That a task has succeeded, or is dead.

    `position` counts up in the order in which the ends became visible; it may leave gaps, and has
    nothing to do with those of the change log. `type` is the task's. It says nothing of what the
    task was given or came to: its row does, for as long as it is kept. A dead task that is tried
    again may end again.
    """

    position: int
    task_id: UUID
    type: str
    status: Status
    at: datetime

    @classmethod
    def of(cls, task: Task, position: int) -> Self:
        """The end that a task has come to."""
        return cls(position, task.id, task.type, task.status, task.updated_at)
