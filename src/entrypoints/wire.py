"""Profiles and tasks as JSON: the same fields in the same order wherever one leaves the process."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from profilecore import Profile, Status, Task

ENCODER = msgspec.json.Encoder()


class ProfileBody(msgspec.Struct):
    """A profile as the API shows it; `images` are those uploaded, empty where there are none."""

    id: UUID
    name: str
    email: str
    bio: str
    image_urls: list[str]
    images: list[Any]
    owner: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The body of one profile."""
        return cls(
            profile.id,
            profile.name,
            profile.email,
            profile.bio,
            list(profile.image_urls),
            [],
            profile.owner,
            profile.version,
            _utc(profile.created_at),
            _utc(profile.updated_at),
        )


class FailureBody(msgspec.Struct):
    """Why a task did not get on: in which attempt (0 before the first), when, and what was said."""

    attempt: int
    at: datetime
    error: str


class TaskBody(msgspec.Struct):
    """A task as the API shows it.

    `error` is the last of `errors`, null once it has succeeded. `cancelling` is true from the
    cancellation of a running task until it has stopped, or has ended otherwise.
    """

    id: UUID
    type: str
    status: Status
    payload: dict[str, Any]
    run_at: datetime
    attempt: int
    max_attempts: int
    priority: int
    progress: float | None
    result: Any
    error: str | None
    created_at: datetime
    updated_at: datetime
    errors: list[FailureBody]
    unique_key: str | None
    cancelling: bool

    @classmethod
    def of(cls, task: Task) -> Self:
        """The body of one task."""
        return cls(
            id=task.id,
            type=task.type,
            status=task.status,
            payload=dict(task.payload),
            run_at=_utc(task.run_at),
            attempt=task.attempt,
            max_attempts=task.max_attempts,
            priority=task.priority,
            progress=task.progress,
            result=task.result,
            error=task.error,
            created_at=_utc(task.created_at),
            updated_at=_utc(task.updated_at),
            errors=[FailureBody(e.attempt, _utc(e.at), e.text) for e in task.errors],
            unique_key=task.unique_key,
            cancelling=task.cancelling,
        )


def _utc(at: datetime) -> datetime:
    # An import may have brought another offset along, and only UTC is written with a Z.
    return at if at.tzinfo is UTC else at.astimezone(UTC)
