"""How profiles and events are written down, the same in every adapter."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from profilecore.errors import Unavailable
from profilecore.event import Event, EventType
from profilecore.image import Format, Image, Size, Variant
from profilecore.paging import microseconds, moment
from profilecore.profile import Profile

PROFILE: Final = (
    "id, name, email, bio, image_urls, images, owner, version, created_at, updated_at, deleted_at"
)
EVENT: Final = "position, profile_id, type, version, data, at, actor"


class Garbled(Unavailable):
    """What was kept cannot be read: a miss for a cache, a loud failure for a store."""

    code = "garbled"


class _KeptImage(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An image on the wire: of each size width, height, and how long each of its files is."""

    id: str
    thumbhash: str
    variants: tuple[tuple[int, int, int, int], ...]
    created_at: int

    @classmethod
    def of(cls, image: Image) -> "_KeptImage":
        variants = tuple(
            (v.width, v.height, v.bytes[Format.WEBP], v.bytes[Format.JPEG])
            for v in (image.variants[size] for size in Size)
        )
        return cls(image.id, image.thumbhash, variants, microseconds(image.created_at))

    def image(self) -> Image:
        variants = {
            size: Variant(width, height, {Format.WEBP: webp, Format.JPEG: jpeg})
            for size, (width, height, webp, jpeg) in zip(Size, self.variants, strict=True)
        }
        return Image(
            id=self.id,
            thumbhash=self.thumbhash,
            variants=variants,
            created_at=moment(self.created_at),
        )


class _Kept(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A profile on the wire. Another shape gets another `form`, so that old copies are misses."""

    form: int
    id: UUID
    name: str
    email: str
    bio: str
    image_urls: tuple[str, ...]
    images: tuple[_KeptImage, ...]
    owner: str | None
    version: int
    created_at: int
    updated_at: int
    deleted_at: int | None


# What msgspec raises for bad input is a ValueError, and so is what Python raises for bad UTF-8.
_FORM = 2
_profiles_in = msgspec.msgpack.Decoder(_Kept)
_profiles_out = msgspec.msgpack.Encoder(uuid_format="bytes")
_urls_in = msgspec.json.Decoder(tuple[str, ...])
_images_in = msgspec.json.Decoder(tuple[_KeptImage, ...])
_data_in = msgspec.json.Decoder(dict[str, Any])
_json_out = msgspec.json.Encoder()


def encode(profile: Profile) -> bytes:
    """All eleven fields, times as whole microseconds."""
    return _profiles_out.encode(
        _Kept(
            _FORM,
            profile.id,
            profile.name,
            profile.email,
            profile.bio,
            profile.image_urls,
            tuple(map(_KeptImage.of, profile.images)),
            profile.owner,
            profile.version,
            microseconds(profile.created_at),
            microseconds(profile.updated_at),
            microseconds_or_none(profile.deleted_at),
        )
    )


def decode(kept: bytes) -> Profile:
    """Read what `encode` wrote. Raises Garbled for anything else."""
    try:
        k = _profiles_in.decode(kept)
        if k.form != _FORM:
            raise Garbled("A profile was written in a form that this version does not know.")
        return Profile.stored(
            id=k.id,
            name=k.name,
            email=k.email,
            bio=k.bio,
            image_urls=k.image_urls,
            images=tuple(image.image() for image in k.images),
            owner=k.owner,
            version=k.version,
            created_at=moment(k.created_at),
            updated_at=moment(k.updated_at),
            deleted_at=moment_or_none(k.deleted_at),
        )
    except (ValueError, OverflowError) as error:
        raise Garbled("A profile was kept in a form that cannot be read.") from error


def encode_data(data: Mapping[str, Any]) -> str:
    """The data of an event, as JSON."""
    return _json_out.encode(data).decode()


def encode_event(event: Event) -> bytes:
    """An event as JSON, with the fields and the form that it has in the HTTP API."""
    return _json_out.encode(event)


def decode_data(kept: str | bytes) -> dict[str, Any]:
    """Read what `encode_data` wrote. Raises Garbled for anything else."""
    try:
        return _data_in.decode(kept)
    except ValueError as error:
        raise Garbled("The data of an event cannot be read.") from error


def encode_urls(urls: Sequence[str]) -> str:
    """A list of URLs, as JSON."""
    return _json_out.encode(urls).decode() if urls else "[]"


def decode_urls(kept: str | bytes) -> tuple[str, ...]:
    """Read what `encode_urls` wrote. Raises Garbled for anything else."""
    try:
        return _urls_in.decode(kept) if kept != "[]" else ()
    except ValueError as error:
        raise Garbled("A list of URLs cannot be read.") from error


def encode_images(images: Sequence[Image]) -> str:
    """The images of a profile, as JSON."""
    return _json_out.encode([_KeptImage.of(image) for image in images]).decode() if images else "[]"


def decode_images(kept: str | bytes) -> tuple[Image, ...]:
    """Read what `encode_images` wrote. Raises Garbled for anything else."""
    if kept == "[]":
        return ()
    try:
        return tuple(image.image() for image in _images_in.decode(kept))
    except (ValueError, OverflowError) as error:
        raise Garbled("A list of images cannot be read.") from error


def profile_of(row: tuple[Any, ...]) -> Profile:
    """The profile in a table's row of `PROFILE`; its id is a UUID, or the bytes of one."""
    id_, name, email, bio, urls, images, owner, version, created_at, updated_at, deleted_at = row
    try:
        return Profile.stored(
            id=id_of(id_),
            name=name,
            email=email,
            bio=bio,
            image_urls=decode_urls(urls),
            images=decode_images(images),
            owner=owner,
            version=version,
            created_at=moment(created_at),
            updated_at=moment(updated_at),
            deleted_at=moment_or_none(deleted_at),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise Garbled("A profile in the database cannot be read.") from error


def event_of(row: tuple[Any, ...]) -> Event:
    """The event in a table's row of `EVENT`; its profile's id is as in `profile_of`."""
    position, profile_id, type_, version, data, at, actor = row
    try:
        kind, values = EventType(type_), decode_data(data)
        return Event(position, id_of(profile_id), kind, version, values, moment(at), actor)
    except (ValueError, TypeError, OverflowError) as error:
        raise Garbled("An event in the database cannot be read.") from error


def columns_of(profile: Profile) -> dict[str, Any]:
    """What a table keeps of a profile, by column; the id is the table's own matter."""
    return {
        "name": profile.name,
        "name_key": profile.name_key,
        "email": profile.email,
        "email_key": profile.email_key,
        "bio": profile.bio,
        "image_urls": encode_urls(profile.image_urls),
        "images": encode_images(profile.images),
        "owner": profile.owner,
        "version": profile.version,
        "created_at": microseconds(profile.created_at),
        "updated_at": microseconds(profile.updated_at),
        "deleted_at": microseconds_or_none(profile.deleted_at),
    }


def id_of(kept: Any) -> UUID:
    """An id as a database gives it: a UUID, or the bytes of one."""
    return kept if isinstance(kept, UUID) else UUID(bytes=kept)


def moment_or_none(since_epoch: int | None) -> datetime | None:
    """The inverse of `microseconds_or_none`."""
    return None if since_epoch is None else moment(since_epoch)


def microseconds_or_none(at: datetime | None) -> int | None:
    """A time as `microseconds` has it, if there is one."""
    return None if at is None else microseconds(at)
