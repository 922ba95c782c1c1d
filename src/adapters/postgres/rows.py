"""Profiles and events as the tables hold them."""

from typing import Any, Final

from profilecore.adapters import codec
from profilecore.errors import Invalid
from profilecore.event import Change, Event, EventType
from profilecore.paging import microseconds, moment
from profilecore.profile import Profile

PROFILE: Final = (
    "id, name, email, bio, image_urls, owner, version, created_at, updated_at, deleted_at"
)
NEWEST: Final = "SELECT coalesce(max(position), 0) FROM events"
EVENT: Final = "position, profile_id, type, version, data, at, actor"


def profile_of(row: tuple[Any, ...]) -> Profile:
    """The profile in a row of `PROFILE`."""
    id_, name, email, bio, urls, owner, version, created_at, updated_at, deleted_at = row
    try:
        return Profile.stored(
            id=id_,
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


def event_of(row: tuple[Any, ...]) -> Event:
    """The event in a row of `EVENT`."""
    position, profile_id, type_, version, data, at, actor = row
    try:
        kind, values = EventType(type_), codec.decode_data(data)
        return Event(position, profile_id, kind, version, values, moment(at), actor)
    except (ValueError, TypeError, OverflowError) as error:
        raise codec.Garbled("An event in the database cannot be read.") from error


def row_of(change: Change) -> dict[str, Any]:
    """A change as the function that writes takes it; Invalid for what it could not keep."""
    profile, event = change.profile, change.event(0)
    deleted_at = profile.deleted_at
    row = {
        "id": str(profile.id),
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
        "deleted_at": None if deleted_at is None else microseconds(deleted_at),
        "replaces": change.replaces,
        "type": event.type,
        "data": codec.encode_data(event.data),
        "at": microseconds(event.at),
        "actor": event.actor,
    }
    # One caller's value must not fail the others that are written in the same call.
    if any("\0" in value for value in row.values() if isinstance(value, str)):
        raise Invalid("A text holds a NUL character.")
    if not all(-(2**63) <= n < 2**63 for n in row.values() if isinstance(n, int)):
        raise Invalid("A number is too large to be kept.")
    return row
