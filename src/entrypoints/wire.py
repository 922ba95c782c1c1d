"""A profile as JSON: the same fields in the same order wherever one leaves the process."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from profilecore import Profile

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


def _utc(at: datetime) -> datetime:
    # An import may have brought another offset along, and only UTC is written with a Z.
    return at if at.tzinfo is UTC else at.astimezone(UTC)
