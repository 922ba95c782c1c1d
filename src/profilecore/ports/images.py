"""What makes the variants of a picture, and where they are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from profilecore.image import Rendering


class Imager(Protocol):
    """Makes of whatever somebody has sent the pictures that are shown to others."""

    async def render(self, upload: Path) -> Rendering:
        """Make all variants of the file, which is read, and never trusted.

        Of the upload nothing but its pixels survives: its orientation is applied, its colours are
        in sRGB. The same file gives the same bytes. Raises Invalid with the code `not_an_image`
        for what is no JPEG, PNG or WebP, `too_many_pixels` (or sides too long), `too_many_frames`,
        and `broken_image` for what cannot be decoded, or takes more memory or work than an image
        may; Unavailable `busy` where too many wait, and with another code where it was not made
        for reasons that are not the upload's. A caller that is cancelled stops the work.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that there is, without what is in it."""

    key: str
    size: int
    modified: datetime


class Blobs(Protocol):
    """Files under the keys of `image.key_of`; the same key always holds the same bytes.

    There is nothing under any other key: whatever else is where the blobs are kept is neither
    given nor listed nor removed.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Keep the bytes; they are durable when this returns, and seen whole or not at all.

        May be repeated, which renews `modified`. Raises Invalid for a key that no image has.
        """
        ...

    async def get(self, key: str) -> bytes | None:
        """Give the bytes; None where there are none. Any key may be asked for."""
        ...

    async def delete(self, keys: Collection[str]) -> None:
        """Remove these; what is not there is passed over. May be repeated.

        Where it fails some may be gone, and others not.
        """
        ...

    async def list(self, after: str, limit: int) -> Sequence[Stored]:
        """Give at most `limit` blobs with greater keys than `after`, in the order of their keys."""
        ...
