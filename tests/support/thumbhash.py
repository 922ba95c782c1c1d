"""What a client does with a thumbhash, after https://evanw.github.io/thumbhash/."""

import math
from dataclasses import dataclass

Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class Preview:
    """The average colour (red, green, blue, alpha from 0 to 1), and width by height."""

    mean: Colour
    aspect: float
    pixels: list[list[Colour]]


def preview(data: bytes, width: int = 8, height: int = 8) -> Preview:
    head = int.from_bytes(data[:3], "little")
    edge = int.from_bytes(data[3:5], "little")
    clear, landscape = bool(head >> 23), bool(edge >> 15)
    longest = 5 if clear else 7
    across, down = (longest, edge & 7) if landscape else (edge & 7, longest)
    start = 6 if clear else 5
    nibbles = iter([nibble for byte in data[start:] for nibble in (byte & 15, byte >> 4)])

    def channel(mean: float, scale: float, wide: int, high: int) -> list[list[float]]:
        waves = [(0, 0, mean)]
        waves += [
            (x, y, 2 * scale * (next(nibbles) / 7.5 - 1))
            for y in range(high)
            for x in range(wide)
            if (x or y) and x * high < wide * (high - y)
        ]
        return [
            [
                sum(
                    strength
                    * math.cos(math.pi / width * x * (column + 0.5))
                    * math.cos(math.pi / height * y * (row + 0.5))
                    for x, y, strength in waves
                )
                for column in range(width)
            ]
            for row in range(height)
        ]

    means = (head & 63) / 63, (head >> 6 & 63) / 31.5 - 1, (head >> 12 & 63) / 31.5 - 1
    alpha = (data[5] & 15) / 15 if clear else 1.0
    light = channel(means[0], (head >> 18 & 31) / 31, max(3, across), max(3, down))
    yellow = channel(means[1], (edge >> 3 & 63) / 63, 3, 3)
    red = channel(means[2], (edge >> 9 & 63) / 63, 3, 3)
    clears = channel(alpha, (data[5] >> 4) / 15, 5, 5) if clear else [[1.0] * width] * height
    pixels = [
        [_colour(*values) for values in zip(*lines, strict=True)]
        for lines in zip(light, yellow, red, clears, strict=True)
    ]
    return Preview(_colour(*means, alpha), across / down, pixels)


def _colour(light: float, yellow: float, red: float, alpha: float) -> Colour:
    b = light - 2 / 3 * yellow
    r = (3 * light - b + red) / 2
    r, g, b, a = (min(1.0, max(0.0, value)) for value in (r, r - red, b, alpha))
    return r, g, b, a
