"""A picture of a person: what is kept of it, and under which names."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

BYTES_MAX: Final = 10 * 1024 * 1024
"""Of an upload."""
PIXELS_MAX: Final = 25_000_000
SIDE_MAX: Final = 16_383  # the most that WebP can hold


class Size(StrEnum):
    """Which variant; `EDGES` says how large each is at most."""

    THUMB = "thumb"
    MEDIUM = "medium"
    LARGE = "large"


class Format(StrEnum):
    """How a variant is encoded; the value is the end of its file's name."""

    WEBP = "webp"
    JPEG = "jpg"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return "image/jpeg" if self is Format.JPEG else "image/webp"


EDGES: Final = {Size.THUMB: 96, Size.MEDIUM: 384, Size.LARGE: 1600}
"""The longest edge in pixels. Nothing is enlarged.

The thumb is a square cut from the middle of the large one."""

BEING_REMOVED: Final = "The files of this very image are being removed: try again."

_ID: Final = re.compile("[0-9a-f]{64}")
_KEY: Final = re.compile(
    rf"(?P<shard>[0-9a-f]{{2}})/(?P<id>(?P=shard)[0-9a-f]{{62}})/({'|'.join(Size)})\.({'|'.join(Format)})"
)


class File(NamedTuple):
    """One file of an image: a variant in a format."""

    size: Size
    format: Format


FILES: Final = tuple(File(size, format_) for size in Size for format_ in Format)
"""Those that every image has."""


def key_of(image_id: str, file: File) -> str:
    """Under which key a file is kept, and below which path it is served."""
    return f"{image_id[:2]}/{image_id}/{file.size}.{file.format}"


def is_id(text: object) -> bool:
    """Whether this can be the id of an image."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def image_of(key: str) -> str | None:
    """The id of the image that a key is of; None where no image has such a key."""
    found = _KEY.fullmatch(key)
    return found["id"] if found else None


def format_of(key: str) -> Format:
    """How the file under a key of an image is encoded."""
    return Format(key.rpartition(".")[2])


@dataclass(frozen=True)
class Rendering:
    """What was made of an upload: for each size width and height in pixels, and all files.

    `thumbhash` is a blurred preview of about 25 bytes, `pixels` how many the upload had.
    """

    sizes: Mapping[Size, tuple[int, int]]
    files: Mapping[File, bytes]
    thumbhash: bytes
    pixels: int

    @cached_property
    def id(self) -> str:
        """The hash of all that was made: the same bytes have the same id."""
        digest = hashlib.sha256()
        for file in FILES:
            digest.update(hashlib.sha256(self.files[file]).digest())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of an image; `bytes` says how long its file is in each format."""

    width: int
    height: int
    bytes: Mapping[Format, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that a profile has. `thumbhash` is in base64."""

    id: str
    thumbhash: str
    variants: Mapping[Size, Variant]
    created_at: datetime

    @classmethod
    def of(cls, rendering: Rendering, *, at: datetime) -> Self:
        """What is kept of a rendering beside its files."""
        variants = {
            size: Variant(
                *rendering.sizes[size],
                {format_: len(rendering.files[File(size, format_)]) for format_ in Format},
            )
            for size in Size
        }
        thumbhash = base64.b64encode(rendering.thumbhash).decode()
        return cls(id=rendering.id, thumbhash=thumbhash, variants=variants, created_at=at)

    @property
    def keys(self) -> dict[File, str]:
        """Where each file is kept."""
        return {file: key_of(self.id, file) for file in FILES}

    def data(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "id": self.id,
            "thumbhash": self.thumbhash,
            "variants": {
                size.value: {
                    "width": variant.width,
                    "height": variant.height,
                    "bytes": {format_.value: variant.bytes[format_] for format_ in Format},
                }
                for size, variant in self.variants.items()
            },
            "created_at": self.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Self:
        """Read what `data` gave."""
        variants = {
            Size(size): Variant(
                variant["width"],
                variant["height"],
                {Format(format_): length for format_, length in variant["bytes"].items()},
            )
            for size, variant in data["variants"].items()
        }
        return cls(
            id=data["id"],
            thumbhash=data["thumbhash"],
            variants=variants,
            created_at=datetime.fromisoformat(data["created_at"]),
        )
