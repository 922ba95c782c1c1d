"""The variants of a picture, and what they are encoded as."""

import math
from io import BytesIO
from typing import Final

from PIL import Image
from PIL.Image import Resampling, Transpose

from profilecore.adapters.pillow.colours import in_srgb
from profilecore.adapters.pillow.reading import Picture
from profilecore.adapters.pillow.thumbhash import thumbhash_of
from profilecore.image import EDGES, File, Format, Rendering, Size

Image.preinit()  # as the first picture that is saved would, when no file can be opened any more

# The orientations of EXIF 2.32, 4.6.4: what makes an upright picture of each.
_UPRIGHT: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
# How long libwebp tries (0 to 6). Beyond 2 the time of a large one doubles, for 3 % of its bytes;
# with less it has a tenth more of them for the same likeness.
_METHOD: Final = {Size.THUMB: 4, Size.MEDIUM: 4, Size.LARGE: 2}
_QUALITY: Final = {Format.WEBP: 80, Format.JPEG: 85}
# A thumb is small enough to look good, and pages have many: the best that is not too long.
_THUMB_QUALITIES: Final = (90, 80, 65, 45, 20)
THUMB_BYTES_MAX: Final = 6 * 1024
_GAP: Final = 2.0  # made smaller by whole numbers first, as long as that cannot be seen
_HASHED: Final = 32  # pixels; a thumbhash says nothing of what is finer


def rendering_of(picture: Picture) -> Rendering:
    """Make all variants; of the picture nothing but its pixels is in them."""
    large = large_of(picture)
    made = {Size.THUMB: thumb_of(large), Size.MEDIUM: medium_of(large), Size.LARGE: large}
    files = {}
    for size, variant in made.items():
        files[File(size, Format.WEBP)] = _webp(variant, size)
        files[File(size, Format.JPEG)] = _jpeg(variant)
    return Rendering(
        sizes={size: variant.size for size, variant in made.items()},
        files=files,
        thumbhash=_thumbhash(made[Size.MEDIUM]),
        pixels=math.prod(picture.size),
    )


def large_of(picture: Picture) -> Image.Image:
    """Upright and in sRGB, as RGB or RGBA. The others are made of it, which is a tenth of the work
    of making them of the picture.
    """
    large = _resized(picture.pixels, _fitting(picture.size, EDGES[Size.LARGE]))
    turn = _UPRIGHT.get(picture.orientation)
    if turn is not None:
        large = large.transpose(turn)
    large = in_srgb(large, picture.profile)
    if large.mode == "RGBA":  # what is wholly clear has no colour: it could be a second picture
        large = large.convert("RGBa").convert("RGBA")
    return large


def medium_of(large: Image.Image) -> Image.Image:
    return _resized(large, _fitting(large.size, EDGES[Size.MEDIUM]))


def thumb_of(large: Image.Image) -> Image.Image:
    width, height = large.size
    edge = min(width, height)
    left, upper = (width - edge) / 2, (height - edge) / 2
    side = min(EDGES[Size.THUMB], edge)
    return _resized(large, (side, side), (left, upper, left + edge, upper + edge))


def _resized(
    pixels: Image.Image,
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    return pixels.resize(size, Resampling.BICUBIC, box, reducing_gap=_GAP)


def _fitting(size: tuple[int, int], edge: int) -> tuple[int, int]:
    scale = min(1, edge / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _webp(pixels: Image.Image, size: Size) -> bytes:
    if size is not Size.THUMB:
        return _saved(pixels, "WEBP", quality=_QUALITY[Format.WEBP], method=_METHOD[size])
    data = b""
    for quality in _THUMB_QUALITIES:
        data = _saved(pixels, "WEBP", quality=quality, method=_METHOD[size])
        if len(data) <= THUMB_BYTES_MAX:
            break
    return data


def _jpeg(pixels: Image.Image) -> bytes:
    """JPEG has no transparency: what is behind is white."""
    if pixels.mode == "RGBA":
        ground = Image.new("RGB", pixels.size, "white")
        ground.paste(pixels, mask=pixels.getchannel("A"))
        pixels = ground
    return _saved(pixels, "JPEG", quality=_QUALITY[Format.JPEG], optimize=True)


def _saved(pixels: Image.Image, format_: str, **options: int) -> bytes:
    file = BytesIO()
    pixels.save(file, format_, **options)
    return file.getvalue()


def _thumbhash(pixels: Image.Image) -> bytes:
    small = pixels.convert("RGBA")
    small.thumbnail((_HASHED, _HASHED), Resampling.BOX)
    return thumbhash_of(small.width, small.height, small.tobytes())
