"""ThumbHash: a blurred preview in about 25 bytes, after https://evanw.github.io/thumbhash/."""

import math
from collections.abc import Sequence
from operator import mul
from typing import Final, NamedTuple

_OPAQUE: Final = 255

Plane = Sequence[Sequence[float]]


class _Channel(NamedTuple):
    """A plane as cosines: its mean, and the strengths of the others in parts of the greatest."""

    mean: float
    waves: Sequence[float]
    greatest: float


def thumbhash_of(width: int, height: int, rgba: bytes) -> bytes:
    """Hash the rows of a small picture (at most 100 pixels a side), four bytes a pixel."""
    light, yellow, red, alpha = _planes(width, height, rgba)
    opaque = min(rgba[3::4]) == _OPAQUE
    finest = 7 if opaque else 5
    across = max(1, _rounded(finest * width / max(width, height)))
    down = max(1, _rounded(finest * height / max(width, height)))
    landscape = width > height
    # L: lightness, P: yellow against blue, Q: red against green, A: alpha
    channels = [_channel(light, max(3, across), max(3, down))]
    channels += [_channel(yellow, 3, 3), _channel(red, 3, 3)]
    if not opaque:
        channels.append(_channel(alpha, 5, 5))
    l, p, q = channels[:3]  # noqa: E741 - its name in the format
    head = _packed(
        (6, l.mean),
        (6, 0.5 + p.mean / 2),
        (6, 0.5 + q.mean / 2),
        (5, l.greatest),
        (1, not opaque),
    ).to_bytes(3, "little")
    edge = (down if landscape else across) | _packed((6, p.greatest), (6, q.greatest)) << 3
    head += (edge | landscape << 15).to_bytes(2, "little")
    if not opaque:
        head += bytes([_packed((4, channels[3].mean), (4, channels[3].greatest))])
    waves = [(4, wave) for channel in channels for wave in channel.waves]
    return head + _packed(*waves).to_bytes((len(waves) + 1) // 2, "little")


def _planes(width: int, height: int, rgba: bytes) -> tuple[Plane, Plane, Plane, Plane]:
    """Lightness, yellow against blue, red against green, and alpha, from 0 (or -1) to 1.

    Transparent pixels have the mean colour, so that they do not show.
    """
    alphas = [value / 255 for value in rgba[3::4]]
    whole = sum(alphas)
    colours = []
    for channel in range(3):
        values = [value / 255 for value in rgba[channel::4]]
        mean = sum(map(mul, values, alphas)) / whole if whole else 0.0
        colours.append(
            [mean * (1 - a) + value * a for value, a in zip(values, alphas, strict=True)]
        )
    pixels = list(zip(*colours, strict=True))

    def rows(plane: Sequence[float]) -> Plane:
        return [plane[start : start + width] for start in range(0, width * height, width)]

    return (
        rows([(r + g + b) / 3 for r, g, b in pixels]),
        rows([(r + g) / 2 - b for r, g, b in pixels]),
        rows([r - g for r, g, _ in pixels]),
        rows(alphas),
    )


def _channel(plane: Plane, across: int, down: int) -> _Channel:
    """Take the cosines of the upper left triangle of `across` by `down`, row by row."""
    height, width = len(plane), len(plane[0])
    rows = [
        [sum(map(mul, row, wave)) for row in plane]
        for wave in (_wave(cycle, width) for cycle in range(across))
    ]
    found = []
    for y in range(down):
        wave = _wave(y, height)
        found += [
            sum(map(mul, rows[x], wave)) / (width * height)
            for x in range(across)
            if x * down < across * (down - y)
        ]
    mean, *strengths = found
    greatest = max(map(abs, strengths))
    if greatest:
        strengths = [0.5 + strength / greatest / 2 for strength in strengths]
    return _Channel(mean, strengths, greatest)


def _wave(half_cycles: int, length: int) -> Sequence[float]:
    return [math.cos(math.pi / length * half_cycles * (x + 0.5)) for x in range(length)]


def _packed(*fields: tuple[int, float]) -> int:
    """Put numbers from 0 to 1 into so many bits each, the first into the lowest."""
    packed = shift = 0
    for bits, value in fields:
        most = (1 << bits) - 1
        packed |= min(most, max(0, _rounded(value * most))) << shift
        shift += bits
    return packed


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
