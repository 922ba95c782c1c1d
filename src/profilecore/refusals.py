"""What is refused of a profile as it is stored, and how that is said."""

from collections.abc import Mapping
from uuid import UUID

from profilecore.errors import Conflict, NotFound
from profilecore.profile import Profile


def living(profiles: Mapping[UUID, Profile], profile_id: UUID) -> Profile:
    """The profile among those read, if it is not deleted; NotFound otherwise."""
    profile = profiles.get(profile_id)
    if profile is None or profile.deleted_at is not None:
        raise not_found(profile_id)
    return profile


def must_match(profile: Profile, expected: int | None) -> None:
    """Refuse, as Conflict `stale_version`, a version other than the one the caller saw."""
    if expected is not None and expected != profile.version:
        detail = (
            f"Profile {profile.id} is at version {profile.version}, not {expected}: "
            "read it again, apply your change to what is there now, and send its version."
        )
        raise Conflict(detail, code="stale_version", version=profile.version)


def not_found(profile_id: UUID) -> NotFound:
    """There is no such profile, or not any more."""
    return NotFound(f"There is no profile {profile_id}.")


def kept_changing(profile_id: UUID) -> Conflict:
    """Others were faster each time."""
    return Conflict(f"Profile {profile_id} kept changing; try again.")
