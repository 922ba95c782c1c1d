"""What is refused of a profile as it is stored, and how that is said."""

from collections.abc import Collection, Mapping
from typing import TypeAlias
from uuid import UUID

from profilecore.errors import Conflict, NotFound
from profilecore.profile import Profile

Expected: TypeAlias = int | Collection[int] | None
"""The version that a caller saw, or some of which one will do; None for any."""


def living(profiles: Mapping[UUID, Profile], profile_id: UUID) -> Profile:
    """The profile among those read, if it is not deleted; NotFound otherwise."""
    profile = profiles.get(profile_id)
    if profile is None or profile.deleted_at is not None:
        raise not_found(profile_id)
    return profile


def matches(version: int, expected: Expected) -> bool:
    """Whether the version is one that the caller saw."""
    if expected is None or isinstance(expected, int):
        return expected in (None, version)
    return version in expected


def must_match(profile: Profile, expected: Expected) -> None:
    """Refuse, as Conflict `stale_version`, a version other than the one the caller saw."""
    if not matches(profile.version, expected):
        seen = sorted(expected) if isinstance(expected, Collection) else [expected]
        others = f", not {' or '.join(map(str, seen))}" if seen else ""
        detail = (
            f"Profile {profile.id} is at version {profile.version}{others}: "
            "read it again, apply your change to what is there now, and send its version."
        )
        raise Conflict(detail, code="stale_version", version=profile.version)


def not_found(profile_id: UUID) -> NotFound:
    """There is no such profile, or not any more."""
    return NotFound(f"There is no profile {profile_id}.")


def kept_changing(profile_id: UUID) -> Conflict:
    """Others were faster each time."""
    return Conflict(f"Profile {profile_id} kept changing; try again.")
