"""Pictures, made and not kept: good ones, and the files that attackers send."""

import io
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from PIL import Image, ImageCms, ImageDraw, ImageMath, PngImagePlugin

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (30, 40, 220), (230, 220, 40)
CORNERS: Final = (RED, GREEN, BLUE, YELLOW)
"""Of `scene`: upper left, upper right, lower left, lower right."""
PNG: Final = b"\x89PNG\r\n\x1a\n"
ORIENTATION: Final = 0x0112
# What makes, of an upright picture, the pixels that a camera stores with each orientation.
STORED: Final = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(width: int = 60, height: int = 40) -> Image.Image:
    """Four corners, each of another colour."""
    image = Image.new("RGB", (width, height))
    columns, lines = ((0, width // 2, width), (0, height // 2, height))
    places = [(x, y) for y in (0, 1) for x in (0, 1)]
    for (x, y), colour in zip(places, CORNERS, strict=True):
        image.paste(colour, (columns[x], lines[y], columns[x + 1], lines[y + 1]))
    return image


def photograph(width: int, height: int, grain: float = 9.0) -> Image.Image:
    """Something like a photograph: soft forms, edges, and the grain of a sensor."""
    bands = [
        Image.effect_noise((9 + 4 * n, 7 + 4 * n), 150).resize((width, height)) for n in range(3)
    ]
    soft = Image.merge("RGB", bands)
    soft = Image.blend(soft, soft.convert("L").convert("RGB"), 0.6)
    fine = Image.effect_noise((max(1, width // 12), max(1, height // 12)), 70).resize(
        (width, height)
    )
    draw = ImageDraw.Draw(soft)
    unit = max(1, min(width, height) // 12)
    for number in range(12):
        x, y = (number * 5 % 12) * width // 12, (number * 7 % 12) * height // 12
        colour = (number * 53 % 256, number * 101 % 256, number * 197 % 256)
        draw.ellipse((x, y, x + 2 * unit, y + 2 * unit), outline=colour, width=1 + unit // 9)
        draw.line((x, height - y, width - x, y), fill=colour, width=1 + unit // 30)
    textured = Image.blend(soft, fine.convert("RGB"), 0.25)
    noise = Image.effect_noise((width, height), grain).convert("RGB")
    return Image.blend(textured, noise, 0.5).point(lambda tone: max(0.0, 1.6 * tone - 76))


def encoded(image: Image.Image, format_: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def stored_as(image: Image.Image, orientation: int) -> bytes:
    """The upright image as a camera stores it that was held in another way."""
    turn = STORED[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = image if turn is None else image.transpose(turn)
    return encoded(stored, quality=95, subsampling=0, exif=exif)


def chunk(name: bytes, data: bytes) -> bytes:
    """Of a PNG."""
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def header(width: int, height: int, bits: int = 8, kind: int = 0, laced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, laced))


def png_of(*chunks: bytes) -> bytes:
    return PNG + b"".join(chunks) + chunk(b"IEND", b"")


def with_chunk(png: bytes, added: bytes) -> bytes:
    """Put a chunk behind the header."""
    after = len(PNG) + 25
    return png[:after] + added + png[after:]


def rows(width: int, height: int) -> bytes:
    """The pixels of a picture of black ones, compressed in pieces."""
    packer = zlib.compressobj(9)
    packed = [packer.compress(bytes(width + 1)) for _ in range(height)]
    return b"".join(packed) + packer.flush()


def bomb(side: int = 13_000) -> bytes:
    """Few bytes that are many pixels: as so few bits each as PNG has."""
    return png_of(header(side, side, bits=1), chunk(b"IDAT", rows((side + 7) // 8, side)))


def text_bomb(megabytes: int = 100) -> bytes:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(megabytes))
    text = chunk(b"zTXt", b"Comment\0\0" + packed + packer.flush())
    return with_chunk(encoded(scene(), "PNG"), text)


def many_texts(number: int = 12) -> bytes:
    """Each a megabyte, which is as much as one may be."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1024 * 1024 - 1)))
    return with_chunk(encoded(scene(), "PNG"), text * number)


def wide(width: int, height: int) -> bytes:
    return png_of(header(width, height), chunk(b"IDAT", rows(width, height)))


def webp_of(width: int, height: int, flags: int = 0) -> bytes:
    """A WebP that says so of itself, and has the pixels of another."""
    inner = encoded(scene(), "WEBP")[12:]
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<II", 10, flags) + sides
    body = b"WEBP" + extended + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def moving(format_: str) -> bytes:
    """Three frames."""
    frames = [scene(), scene().rotate(180), scene().rotate(90)]
    return encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=100)


def mpo() -> bytes:
    """A photograph of a phone, which has a second one behind it."""
    return encoded(scene(), "MPO", save_all=True, append_images=[scene().rotate(180)], quality=95)


def many_scans(side: int = 4_900, megabytes: int = 9) -> bytes:
    """A progressive JPEG whose last scan is there again and again: each is all its pixels' work."""
    jpeg = encoded(Image.new("L", (side, side), 128), progressive=True, quality=50)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + scan * (megabytes * 1024 * 1024 // len(scan)) + jpeg[-2:]


def swapped_profile() -> bytes:
    """A profile in which red is called blue, and blue red: one sees whether it was heeded."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    places = [slice(at + 4, at + 12) for at in (red, blue)]
    swapped = bytearray(profile)
    swapped[places[0]], swapped[places[1]] = profile[places[1]], profile[places[0]]
    return bytes(swapped)


MARKER: Final = b"MARKER-7f3a"


def marked() -> Mapping[str, bytes]:
    """Pictures that carry a word beside their pixels, in every place there is."""
    text = MARKER.decode()
    gps = Image.Exif()
    gps[ORIENTATION] = 1
    gps.get_ifd(0x8825).update({1: "N", 27: MARKER, 29: text})
    gps[0x010E] = text
    profile = bytearray(swapped_profile())
    profile += MARKER
    profile[:4] = struct.pack(">I", len(profile))
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + MARKER + b"</x:xmpmeta>"
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(MARKER)) + MARKER
    plain = scene()
    png, webp = encoded(plain, "PNG"), encoded(plain, "WEBP")
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", text)
    words.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=False)
    words.add_text("Description", text, zip=True)
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    return {
        "EXIF in JPEG": encoded(plain, exif=gps),
        "XMP in JPEG": encoded(plain, xmp=xmp),
        "IPTC in JPEG": encoded(plain, extra=segment),
        "ICC in JPEG": encoded(plain, icc_profile=bytes(profile)),
        "COM in JPEG": encoded(plain, comment=MARKER),
        "after EOI": encoded(plain) + MARKER,
        "text in PNG": encoded(plain, "PNG", pnginfo=words),
        "EXIF in PNG": encoded(plain, "PNG", exif=gps),
        "ICC in PNG": encoded(plain, "PNG", icc_profile=bytes(profile)),
        "unknown chunk in PNG": with_chunk(png, chunk(b"prVt", MARKER)),
        "after IEND": png + MARKER,
        "EXIF in WebP": encoded(plain, "WEBP", exif=gps),
        "XMP in WebP": encoded(plain, "WEBP", xmp=xmp),
        "ICC in WebP": encoded(plain, "WEBP", icc_profile=bytes(profile)),
        "after RIFF": webp + MARKER,
    }


SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML: Final = b"<!doctype html><script>alert(1)</script>"
EPS: Final = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"

ATTACKS: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "nothing": (lambda: b"", "not_an_image"),
    "SVG": (lambda: SVG, "not_an_image"),
    "HTML": (lambda: HTML, "not_an_image"),
    "HTML behind the start of a PNG": (lambda: PNG + HTML, "broken_image"),
    "GIF and JavaScript": (lambda: b"GIF89a/*" + HTML + b"*/=1;alert(1)//", "not_an_image"),
    "EPS": (lambda: EPS, "not_an_image"),
    "TIFF": (lambda: encoded(scene(), "TIFF"), "not_an_image"),
    "BMP": (lambda: encoded(scene(), "BMP"), "not_an_image"),
    "moving GIF": (lambda: moving("GIF"), "not_an_image"),
    "moving PNG": (lambda: moving("PNG"), "too_many_frames"),
    "moving WebP": (lambda: moving("WEBP"), "too_many_frames"),
    "bomb": (bomb, "too_many_pixels"),
    "side of 65,535": (lambda: wide(65_535, 2), "too_many_pixels"),
    "side of 16,384": (lambda: wide(2, 16_384), "too_many_pixels"),
    "large WebP": (lambda: webp_of(13_000, 13_000), "too_many_pixels"),
    "WebP larger than it is": (lambda: webp_of(4_000, 4_000), "broken_image"),
    "text bomb": (text_bomb, "broken_image"),
    "many texts": (many_texts, "broken_image"),
    "start of a JPEG": (lambda: b"\xff\xd8\xff", "broken_image"),
    "start of a WebP": (lambda: b"RIFF\x04\0\0\0WEBP", "broken_image"),
    "half a JPEG": (lambda: halved("JPEG"), "broken_image"),
    "half a progressive JPEG": (lambda: halved("JPEG", progressive=True), "broken_image"),
    "half a PNG": (lambda: halved("PNG"), "broken_image"),
    "half a WebP": (lambda: halved("WEBP"), "broken_image"),
    "PNG with a wrong checksum": (
        lambda: encoded(scene(), "PNG").replace(b"IHDR", b"IHDr"),
        "broken_image",
    ),
    "PNG without pixels": (lambda: png_of(header(5, 5)), "broken_image"),
    "PNG of no width": (lambda: png_of(header(0, 5)), "broken_image"),
    "tEXt that looks like transparency": (
        lambda: with_chunk(encoded(scene(), "PNG"), chunk(b"tEXt", b"transparency\0yes")),
        "broken_image",
    ),
}
"""What is sent, and the code that it gets."""


def halved(format_: str, **options: Any) -> bytes:
    whole = encoded(photograph(300, 200), format_, **options)
    return whole[: len(whole) // 2]


def luma(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    grey = round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
    return grey, grey, grey


def deep(kind: int, clear: bool = False) -> bytes:
    """`scene` with 16 bits for each value, of which the lower eight are another one's."""
    image = scene()
    lines = []
    for y in range(image.height):
        line = bytearray(b"\0")
        for x in range(image.width):
            colour = image.getpixel((x, y))
            assert isinstance(colour, tuple)
            values = [luma(colour)[0]] if kind in (0, 4) else list(colour)  # type: ignore[arg-type]
            if kind in (4, 6):
                values.append(0 if clear and x >= image.width // 2 else 255)
            for value in values:
                line += bytes([value, value and 255 - value // 2])
        lines.append(bytes(line))
    size = header(image.width, image.height, 16, kind)
    return png_of(size, chunk(b"IDAT", zlib.compress(b"".join(lines))))


def swapped(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return colour[2], colour[1], colour[0]


def _alpha(mode: str, alpha: int | None = None) -> Image.Image:
    """`scene` whose right half is clear, or as clear as it is said."""
    image = scene().convert(mode)
    mask = Image.new("L", image.size, 255 if alpha is None else alpha)
    if alpha is None:
        mask.paste(0, (image.width // 2, 0, image.width, image.height))
    image.putalpha(mask)
    return image


def _keyed(mode: str, key: int | tuple[int, int, int]) -> bytes:
    """`scene` whose right half has one colour, which is called transparent."""
    image = scene().convert(mode)
    image.paste(key, (image.width // 2, 0, image.width, image.height))
    return encoded(image, "PNG", transparency=key)


def _palette(single: bool) -> bytes:
    image = scene().quantize(4)
    right = {image.getpixel((59, 0)), image.getpixel((59, 39))}
    if single:
        index = image.getpixel((59, 0))
        assert isinstance(index, int)
        image.paste(index, (30, 0, 60, 40))
        return encoded(image, "PNG", transparency=index)
    alphas = bytes(0 if index in right else 255 for index in range(4))
    return encoded(image, "PNG", transparency=alphas)


def _jpeg(mode: str = "RGB", **options: Any) -> bytes:
    return encoded(scene().convert(mode), quality=95, subsampling=0, **options)


_GREY: Final = tuple(map(luma, CORNERS))
_SWAPPED: Final = tuple(map(swapped, CORNERS))
Corners = tuple[tuple[int, int, int], ...]

COLOURS: Final[Mapping[str, tuple[Callable[[], bytes], Corners]]] = {
    "grey JPEG": (lambda: _jpeg("L"), _GREY),
    "grey PNG": (lambda: encoded(scene().convert("L"), "PNG"), _GREY),
    "grey of 16 bits": (lambda: deep(0), _GREY),
    "grey of 16 bits with a clear tone": (
        lambda: with_chunk(deep(0), chunk(b"tRNS", b"\xff\xff")),
        _GREY,
    ),
    "text that is called transparency": (
        lambda: with_chunk(deep(0), chunk(b"tEXt", b"transparency\0yes")),
        _GREY,
    ),
    "grey with alpha of 16 bits": (lambda: deep(4), _GREY),
    "16 bits": (lambda: deep(2), CORNERS),
    "16 bits with alpha": (lambda: deep(6), CORNERS),
    "black and white": (
        lambda: encoded(scene().convert("1", dither=Image.Dither.NONE), "PNG"),
        ((0, 0, 0), (255, 255, 255)) * 2,
    ),
    "palette": (lambda: encoded(scene().quantize(4), "PNG"), CORNERS),
    "CMYK": (lambda: _jpeg("CMYK"), CORNERS),
    "grey with alpha": (lambda: encoded(_alpha("LA", 255), "PNG"), _GREY),
    "profile in JPEG": (lambda: _jpeg(icc_profile=swapped_profile()), _SWAPPED),
    "profile in PNG": (
        lambda: encoded(scene(), "PNG", icc_profile=swapped_profile()),
        _SWAPPED,
    ),
    "profile in WebP": (
        lambda: encoded(scene(), "WEBP", quality=95, icc_profile=swapped_profile()),
        _SWAPPED,
    ),
    "profile and alpha": (
        lambda: encoded(_alpha("RGBA", 255), "PNG", icc_profile=swapped_profile()),
        _SWAPPED,
    ),
    "profile and palette": (
        lambda: encoded(scene().quantize(4), "PNG", icc_profile=swapped_profile()),
        _SWAPPED,
    ),
    "profile of other channels": (lambda: _jpeg("CMYK", icc_profile=swapped_profile()), CORNERS),
    "profile of colours for grey": (lambda: _jpeg("L", icc_profile=swapped_profile()), _GREY),
    "profile of colours for grey with alpha": (
        lambda: encoded(_alpha("LA", 255), "PNG", icc_profile=swapped_profile()),
        _GREY,
    ),
    "broken profile": (lambda: _jpeg(icc_profile=b"no profile"), CORNERS),
    "half a profile": (lambda: _jpeg(icc_profile=swapped_profile()[:300]), CORNERS),
    "text that is called a profile": (
        lambda: with_chunk(encoded(scene(), "PNG"), chunk(b"tEXt", b"icc_profile\0yes")),
        CORNERS,
    ),
}
"""What is sent, and the colours in its corners."""

CLEAR: Final[Mapping[str, Callable[[], bytes]]] = {
    "RGBA": lambda: encoded(_alpha("RGBA"), "PNG"),
    "LA": lambda: encoded(_alpha("LA"), "PNG"),
    "16 bits": lambda: deep(6, clear=True),
    "grey of 16 bits": lambda: deep(4, clear=True),
    "WebP": lambda: encoded(_alpha("RGBA"), "WEBP", quality=95),
    "lossless WebP": lambda: encoded(_alpha("RGBA"), "WEBP", lossless=True),
    "a colour": lambda: _keyed("RGB", (1, 2, 3)),
    "a tone": lambda: _keyed("L", 255),
    "palette": lambda: _palette(single=False),
    "palette with one clear colour": lambda: _palette(single=True),
}
"""Pictures whose right half is clear."""


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity (SSIM) of the lightness, 1 for the same picture.

    Z. Wang et al., 2004, with its constants, in windows of 8 by 8 pixels, as their means.
    """
    planes = [image.convert("L") for image in (one, other)]
    assert planes[0].size == planes[1].size
    floats = [plane.convert("F") for plane in planes]
    size = planes[0].width // 8, planes[0].height // 8
    box = (0, 0, size[0] * 8, size[1] * 8)

    def means(image: Image.Image) -> list[float]:
        small = image.resize(size, Image.Resampling.BOX, box)
        return [float(value) for value in struct.unpack(f"{size[0] * size[1]}f", small.tobytes())]

    def product(a: Image.Image, b: Image.Image) -> Image.Image:
        found = ImageMath.lambda_eval(lambda bands: bands["a"] * bands["b"], a=a, b=b)
        assert isinstance(found, Image.Image)
        return found

    x, y = floats
    found = zip(
        *(means(plane) for plane in (x, y, product(x, x), product(y, y), product(x, y))),
        strict=True,
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = [
        (2 * mx * my + c1)
        * (2 * (xy - mx * my) + c2)
        / ((mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2))
        for mx, my, xx, yy, xy in found
    ]
    return math.fsum(values) / len(values)
