"""The preview of a picture, as a client shows it."""

import pytest

from profilecore.adapters.pillow.thumbhash import thumbhash_of
from tests.support.thumbhash import Colour, preview

RED, BLUE, CLEAR = (255, 0, 0, 255), (0, 0, 255, 255), (0, 255, 0, 0)


def halves(width: int, height: int, left: tuple[int, ...], right: tuple[int, ...]) -> bytes:
    row = bytes(left) * (width // 2) + bytes(right) * (width - width // 2)
    return row * height


def is_near(one: Colour, other: Colour, by: float = 0.06) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


# What another implementation, the package thumbhash-python 1.0.1, makes of the same pixels.
@pytest.mark.parametrize(
    ("width", "height", "clear", "expected"),
    [
        (12, 9, False, "5de80525860283932283984698899897fd36f6389f"),
        (7, 11, False, "dc18062c08402683289687799977cf93658baf"),
        (10, 10, True, "9ee881150217017656b567bcabfe84f6676977796267800755"),
        (13, 5, True, "1ee88512842702a279cab8fb17876f9c77976076924969"),
    ],
)
def test_the_bytes_are_those_of_others(width: int, height: int, clear: bool, expected: str) -> None:
    pixels = bytes(
        value % 256
        for y in range(height)
        for x in range(width)
        for value in (
            x * x * 37 + y * y * 91 + x * y * 13,
            x * 19 + y * y * 7 + 3,
            x * y * y + x * 29,
            x * x * y * 3 + y * 50 if clear else 255,
        )
    )
    assert thumbhash_of(width, height, pixels).hex() == expected


@pytest.mark.parametrize("colour", [RED, BLUE, (9, 200, 60, 255), (0, 0, 0, 255), (255,) * 4])
def test_one_colour_is_that_colour(colour: tuple[int, int, int, int]) -> None:
    seen = preview(thumbhash_of(5, 4, bytes(colour) * 20))
    expected = tuple(value / 255 for value in colour)
    assert len(expected) == 4
    assert is_near(seen.mean, expected)
    assert all(is_near(pixel, expected) for row in seen.pixels for pixel in row)


@pytest.mark.parametrize(
    ("width", "height", "aspect"), [(32, 24, 7 / 5), (24, 32, 5 / 7), (32, 32, 1), (32, 1, 7)]
)
def test_the_aspect_is_known(width: int, height: int, aspect: float) -> None:
    hashed = thumbhash_of(width, height, halves(width, height, RED, BLUE))
    assert preview(hashed).aspect == pytest.approx(aspect)
    assert len(hashed) <= 25


def test_left_and_right_are_where_they_were() -> None:
    seen = preview(thumbhash_of(32, 24, halves(32, 24, RED, BLUE)))
    for row in seen.pixels:
        assert row[0][0] > 0.5 > row[0][2]
        assert row[-1][2] > 0.5 > row[-1][0]
    assert is_near(seen.mean, (0.5, 0, 0.5, 1))


def test_what_cannot_be_seen_has_no_colour() -> None:
    hashed = thumbhash_of(32, 32, halves(32, 32, RED, CLEAR))
    seen = preview(hashed)
    assert len(hashed) <= 25
    assert is_near(seen.mean, (1, 0, 0, 0.5))
    for row in seen.pixels:
        assert row[0][3] > 0.5 > row[-1][3]
        assert row[-1][1] < 0.1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3), (32, 1)])
def test_nothing_to_be_seen_is_a_preview_too(width: int, height: int) -> None:
    seen = preview(thumbhash_of(width, height, bytes(4 * width * height)))
    assert seen.mean[3] == 0
