"""Files of strangers, as pictures: what is taken, and in which form it goes on."""

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import ExifTags, Image, PngImagePlugin
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

# Pillow would import it at the first picture with EXIF, when no file can be opened any more.
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as _  # noqa: F401
from PIL.WebPImagePlugin import WebPImageFile

from profilecore.errors import Invalid
from profilecore.image import EDGES, PIXELS_MAX, SIDE_MAX, Size

# By their classes, and not by Image.open, which would look into a photograph for more pictures.
_BY_START: Final[Mapping[bytes, type[ImageFile]]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
}

# Pillow refuses twice as many before it makes a WebP's canvas, which it does when opening it.
Image.MAX_IMAGE_PIXELS = PIXELS_MAX // 2
PngImagePlugin.MAX_TEXT_MEMORY = 4 * PngImagePlugin.MAX_TEXT_CHUNK

# How Pillow's parsers say that a file is not as they expect, or trip over it.
_PARSERS: Final = (
    *(OSError, SyntaxError, EOFError, MemoryError, struct.error, zlib.error),
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError),
)


@dataclass(frozen=True)
class Picture:
    """Pixels as L, LA, RGB, RGBA or CMYK; how they are to be turned; and what their colours are.

    `size` is that of the file, which a photograph may have been decoded below; turned, it is
    that of the picture.
    """

    pixels: Image.Image
    size: tuple[int, int]
    orientation: int
    profile: bytes | None


def read(data: bytes) -> Picture:
    """Decode a file. Raises Invalid as Imager has it."""
    kind = _kind(data)
    with tripping(*_PARSERS):
        file = kind(BytesIO(data))
        size = file.size
        _check(file)
        file.draft(None, _needed(size))
        pixels = _plain(file)
        picture = Picture(pixels, size, _orientation(file), _profile(file))
    # Pillow hands on what else there was in the file, acts upon it, and saves some of it.
    pixels.info = {}
    return picture


def _kind(data: bytes) -> type[ImageFile]:
    for start, kind in _BY_START.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImageFile
    raise Invalid(
        "This is no picture that can be taken: send a JPEG, PNG or WebP.", code="not_an_image"
    )


def _check(file: ImageFile) -> None:
    """Refuse by the header, before anything is decoded."""
    width, height = file.size
    if width * height > PIXELS_MAX or max(file.size) > SIDE_MAX:
        raise _too_many_pixels(f"{width:,} by {height:,} pixels")
    if getattr(file, "n_frames", 1) > 1:
        raise Invalid("The picture moves. Send one with a single frame.", code="too_many_frames")


def _needed(size: tuple[int, int]) -> tuple[int, int]:
    """How large a photograph has to be decoded, so that nothing made of it is worse."""
    scale = min(1, EDGES[Size.LARGE] / max(size))
    width, height = (max(1, math.ceil(side * scale)) for side in size)
    return width, height


def _plain(file: ImageFile) -> Image.Image:
    """Decode it, to a mode that can be made smaller."""
    file.load()
    if file.mode == "I;16":  # Pillow's own conversion makes all but the darkest tones white
        return file.point(lambda tone: tone * (1 / 256)).convert("L")
    if file.mode in ("1", "L", "P", "RGB") and file.has_transparency_data:
        return file.convert("RGBA")
    if file.mode in ("1", "P"):
        return file.convert("RGB")
    return file


def _orientation(file: ImageFile) -> int:
    """As EXIF has it; 1 where it says nothing, or nothing that can be read."""
    try:
        orientation: int = file.getexif().get(ExifTags.Base.Orientation, 1)
    except _PARSERS:
        return 1
    return orientation


def _profile(file: ImageFile) -> bytes | None:
    profile = file.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None  # a comment of that name is text


@contextmanager
def tripping(*errors: type[Exception]) -> Iterator[None]:
    """Say of errors of Pillow that they are the picture's."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("more pixels than that") from error
    except errors as error:
        raise Invalid(
            "The picture cannot be decoded: it is damaged, not all of it was sent, or it takes more"
            " memory than a picture may.",
            code="broken_image",
        ) from error


def _too_many_pixels(has: str) -> Invalid:
    return Invalid(
        f"The picture has {has}. At most {PIXELS_MAX:,} are taken, and {SIDE_MAX:,} on a side.",
        code="too_many_pixels",
    )
