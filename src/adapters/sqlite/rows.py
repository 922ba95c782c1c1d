"""Profiles and events as the tables hold them."""

from typing import Any, Final
from uuid import UUID

from profilecore.adapters import codec
from profilecore.event import Event, EventType
from profilecore.paging import microseconds, moment
from profilecore.profile import Profile

PROFILE: Final = (
    "id, name, email, bio, image_urls, owner, version, created_at, updated_at, deleted_at"
)
EVENT: Final = "position, profile_id, type, version, data, at, actor"


def profile_of(row: tuple[Any, ...]) -> Profile:
    """The profile in a row of `PROFILE`."""
    id_, name, email, bio, urls, owner, version, created_at, updated_at, deleted_at = row
    try:
        return Profile.stored(
            id=UUID(bytes=id_),
            name=name,
            email=email,
            bio=bio,
            image_urls=codec.decode_urls(urls),
            owner=owner,
            version=version,
            created_at=moment(created_at),
            updated_at=moment(updated_at),
            deleted_at=None if deleted_at is None else moment(deleted_at),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise codec.Garbled("A profile in the database cannot be read.") from error


def row_of(profile: Profile) -> dict[str, Any]:
    """What is stored of a profile, by column."""
    return {
        "id": profile.id.bytes,
        "name": profile.name,
        "name_key": profile.name_key,
        "email": profile.email,
        "email_key": profile.email_key,
        "bio": profile.bio,
        "image_urls": codec.encode_urls(profile.image_urls),
        "owner": profile.owner,
        "version": profile.version,
        "created_at": microseconds(profile.created_at),
        "updated_at": microseconds(profile.updated_at),
        "deleted_at": None if profile.deleted_at is None else microseconds(profile.deleted_at),
    }


def event_of(row: tuple[Any, ...]) -> Event:
    """The event in a row of `EVENT`."""
    position, profile_id, type_, version, data, at, actor = row
    try:
        return Event(
            position,
            UUID(bytes=profile_id),
            EventType(type_),
            version,
            codec.decode_data(data),
            moment(at),
            actor,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise codec.Garbled("An event in the database cannot be read.") from error
