"""What every adapter of the Imager port does."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from profilecore.errors import Invalid
from profilecore.image import FILES, File, Format, Rendering, Size
from profilecore.ports import Imager
from tests.support import pictures
from tests.support.pictures import (
    ATTACKS,
    BLUE,
    CORNERS,
    GREEN,
    MARKER,
    RED,
    STORED,
    YELLOW,
    encoded,
    photograph,
    scene,
)
from tests.support.thumbhash import preview

NEAR = 16  # of 255: how far a lossy colour may be from what was sent
MARKED = pictures.marked()
# Half, as a tone of sRGB; and what a mean of red and white is, seen from far away.
GREY = (128, 128, 128)
WHITE = (255, 255, 255)

Render = Callable[[bytes], Awaitable[Rendering]]
Colour = tuple[int, ...]


def shown(rendering: Rendering, size: Size, format_: Format) -> Image.Image:
    """A variant, as whoever shows it decodes it."""
    image = Image.open(io.BytesIO(rendering.files[File(size, format_)]))
    assert image.format == {Format.WEBP: "WEBP", Format.JPEG: "JPEG"}[format_]
    image.load()
    return image


def corners(image: Image.Image) -> list[Colour]:
    """The colours in the middles of the four quarters, in the order of `CORNERS`."""
    width, height = image.size
    places = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [colour_at(image, *place) for place in places]


def colour_at(image: Image.Image, x: int, y: int) -> Colour:
    colour = image.getpixel((x, y))
    assert isinstance(colour, tuple)
    return colour


def is_near(one: Colour, other: Colour, by: int = NEAR) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def assert_corners(rendering: Rendering, expected: tuple[Colour, ...] = CORNERS) -> None:
    for size, format_ in FILES:
        seen = corners(shown(rendering, size, format_).convert("RGB"))
        for one, other in zip(seen, expected, strict=True):
            assert is_near(one, other), (size, format_, seen)


class ImagerContract:
    """Subclass it with a fixture `imager`."""

    @pytest.fixture
    def render(self, imager: Imager, tmp_path: Path) -> Render:
        upload = tmp_path / "upload"

        async def render(data: bytes) -> Rendering:
            upload.write_bytes(data)
            return await imager.render(upload)

        return render

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
    async def test_a_picture_becomes_all_variants(self, render: Render, format_: str) -> None:
        rendering = await render(encoded(scene(480, 320), format_))
        assert set(rendering.files) == set(FILES)
        assert rendering.sizes == {
            Size.THUMB: (96, 96),
            Size.MEDIUM: (384, 256),
            Size.LARGE: (480, 320),
        }
        for size, format_of in FILES:
            assert shown(rendering, size, format_of).size == rendering.sizes[size]
        assert_corners(rendering)

    @pytest.mark.parametrize(
        ("width", "height", "thumb", "medium", "large"),
        [
            (3300, 2475, (96, 96), (384, 288), (1600, 1200)),
            (1201, 1602, (96, 96), (288, 384), (1200, 1600)),
            (385, 384, (96, 96), (384, 383), (385, 384)),
            (60, 40, (40, 40), (60, 40), (60, 40)),
            (1, 1, (1, 1), (1, 1), (1, 1)),
            (3, 5_000, (1, 1), (1, 384), (1, 1600)),
            (16_383, 1_000, (96, 96), (384, 24), (1600, 98)),
        ],
    )
    async def test_nothing_is_enlarged_or_out_of_shape(
        self,
        render: Render,
        width: int,
        height: int,
        thumb: tuple[int, int],
        medium: tuple[int, int],
        large: tuple[int, int],
    ) -> None:
        rendering = await render(encoded(scene(width, height)))
        expected = {Size.THUMB: thumb, Size.MEDIUM: medium, Size.LARGE: large}
        assert rendering.sizes == expected
        for size, format_ in FILES:
            assert shown(rendering, size, format_).size == expected[size]

    async def test_the_thumb_is_cut_from_the_middle(self, render: Render) -> None:
        image = ImageOps.expand(Image.new("RGB", (200, 200), GREEN), (100, 0), RED)
        rendering = await render(encoded(image, "PNG"))
        thumb = shown(rendering, Size.THUMB, Format.WEBP)
        for place in ((3, 3), (92, 3), (3, 92), (92, 92)):
            assert is_near(colour_at(thumb, *place), GREEN)

    async def test_a_large_photograph_is_what_it_was(self, render: Render) -> None:
        """However it was made smaller, it is like what the best way makes of it."""
        photo = photograph(3400, 2550)
        rendering = await render(encoded(photo, quality=92))
        best = photo.resize((1600, 1200), Image.Resampling.LANCZOS)
        assert pictures.likeness(best, shown(rendering, Size.LARGE, Format.JPEG)) > 0.95
        assert pictures.likeness(best, shown(rendering, Size.LARGE, Format.WEBP)) > 0.9

    async def test_a_thumb_is_small_and_looks_right(self, render: Render) -> None:
        photo = photograph(800, 600)
        rendering = await render(encoded(photo, quality=92))
        assert len(rendering.files[File(Size.THUMB, Format.WEBP)]) <= 6 * 1024
        best = photo.crop((100, 0, 700, 600)).resize((96, 96), Image.Resampling.LANCZOS)
        assert pictures.likeness(best, shown(rendering, Size.THUMB, Format.WEBP)) >= 0.95

    async def test_a_thumb_of_noise_is_small_too(self, render: Render) -> None:
        noise = Image.merge("RGB", [Image.effect_noise((200, 200), 500) for _ in range(3)])
        rendering = await render(encoded(noise, "PNG"))
        assert len(rendering.files[File(Size.THUMB, Format.WEBP)]) <= 6 * 1024

    @pytest.mark.parametrize("orientation", STORED)
    async def test_it_stands_upright(self, render: Render, orientation: int) -> None:
        rendering = await render(pictures.stored_as(scene(480, 320), orientation))
        assert rendering.sizes[Size.LARGE] == (480, 320)
        assert rendering.sizes[Size.MEDIUM] == (384, 256)
        assert_corners(rendering)

    @pytest.mark.parametrize("orientation", [0, 9, 65_535])
    async def test_an_orientation_that_there_is_not_changes_nothing(
        self, render: Render, orientation: int
    ) -> None:
        exif = Image.Exif()
        exif[pictures.ORIENTATION] = orientation
        assert_corners(await render(encoded(scene(), quality=95, subsampling=0, exif=exif)))

    @pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0no"])
    async def test_exif_that_is_broken_changes_nothing(self, render: Render, exif: bytes) -> None:
        assert_corners(await render(encoded(scene(), quality=95, subsampling=0, exif=exif)))
        assert_corners(await render(encoded(scene(), "PNG", exif=exif)))

    async def test_of_a_photograph_with_two_pictures_the_first_is_taken(
        self, render: Render
    ) -> None:
        assert_corners(await render(pictures.mpo()))

    @pytest.mark.parametrize("name", pictures.COLOURS)
    async def test_colours_are_as_they_were_meant(self, render: Render, name: str) -> None:
        data, expected = pictures.COLOURS[name]
        assert_corners(await render(data()), expected)

    @pytest.mark.parametrize("name", pictures.CLEAR)
    async def test_what_is_clear_is_so_in_webp_and_white_in_jpeg(
        self, render: Render, name: str
    ) -> None:
        """The right half of the picture is clear."""
        rendering = await render(pictures.CLEAR[name]())
        for size in Size:
            webp = shown(rendering, size, Format.WEBP)
            assert webp.mode == "RGBA"
            seen = corners(webp)
            assert [colour[3] for colour in seen] == [255, 0, 255, 0]
            on_white = corners(shown(rendering, size, Format.JPEG))
            assert is_near(on_white[1], WHITE)
            assert is_near(on_white[3], WHITE)
            for half in (0, 2):
                assert is_near(seen[half][:3], on_white[half])
                assert not is_near(seen[half][:3], WHITE)

    @pytest.mark.parametrize("size", [(16, 16), (400, 400)])
    async def test_what_cannot_be_seen_is_not_there(
        self, render: Render, size: tuple[int, int]
    ) -> None:
        """Colours behind what is clear could be a second picture."""
        image = scene(*size).convert("RGBA")
        image.putalpha(0)
        image.putpixel((0, 0), (*RED, 255))
        rendering = await render(encoded(image, "PNG"))
        for variant in Size:
            webp = shown(rendering, variant, Format.WEBP)
            for place in corners(webp)[1:]:
                assert not any(is_near(place[:3], colour, 60) for colour in (GREEN, BLUE, YELLOW))

    async def test_the_same_file_gives_the_same_bytes(self, render: Render) -> None:
        data = encoded(photograph(300, 200))
        one, other = await render(data), await render(data)
        assert (one.files, one.thumbhash, one.id) == (other.files, other.thumbhash, other.id)

    @pytest.mark.parametrize("name", MARKED)
    async def test_nothing_but_the_pixels_survives(self, render: Render, name: str) -> None:
        rendering = await render(MARKED[name])
        for file, data in rendering.files.items():
            assert MARKER not in data, file
            image = shown(rendering, *file)
            beside = {"icc_profile", "exif", "xmp", "comment", "photoshop", "Comment"}
            assert not beside & set(image.info), file
            assert not image.getexif(), file

    @pytest.mark.parametrize("name", ATTACKS)
    async def test_what_is_no_good_picture_is_refused(self, render: Render, name: str) -> None:
        data, code = ATTACKS[name]
        with pytest.raises(Invalid) as raised:
            await render(data())
        assert raised.value.code == code
        assert raised.value.detail.endswith(".")

    async def test_after_a_refusal_the_next_is_taken(self, render: Render) -> None:
        for _, (data, _) in zip(range(8), ATTACKS.values(), strict=False):
            with pytest.raises(Invalid):
                await render(data())
            assert_corners(await render(encoded(scene(), quality=95, subsampling=0)))

    async def test_the_thumbhash_is_like_the_picture(self, render: Render) -> None:
        for width, height in ((480, 320), (320, 480)):
            rendering = await render(encoded(scene(width, height), "PNG"))
            assert len(rendering.thumbhash) <= 25
            seen = preview(rendering.thumbhash, 2, 2)
            assert seen.aspect == pytest.approx(width / height, rel=0.1)
            for pixel, colour in zip((*seen.pixels[0], *seen.pixels[1]), CORNERS, strict=True):
                assert is_near(tuple(round(255 * value) for value in pixel[:3]), colour, 75)

    async def test_many_at_once_are_all_made(self, imager: Imager, tmp_path: Path) -> None:
        colours = [(30 * number, 255 - 30 * number, 128) for number in range(8)]
        for number, colour in enumerate(colours):
            (tmp_path / str(number)).write_bytes(encoded(Image.new("RGB", (50, 50), colour), "PNG"))
        made = await asyncio.gather(*(imager.render(tmp_path / str(n)) for n in range(8)))
        for rendering, colour in zip(made, colours, strict=True):
            assert_corners(rendering, (colour,) * 4)

    async def test_a_caller_that_is_cancelled_stops_the_work(
        self, imager: Imager, tmp_path: Path
    ) -> None:
        upload = tmp_path / "upload"
        upload.write_bytes(encoded(photograph(2_000, 1_500)))
        for seconds in (0.0, 0.01, 0.1):
            work = asyncio.create_task(imager.render(upload))
            await asyncio.sleep(seconds)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
        assert (await imager.render(upload)).sizes[Size.MEDIUM] == (384, 288)
