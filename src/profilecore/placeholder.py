"""What stands for a person without a picture: initials on a colour of their own."""

import unicodedata
from colorsys import hls_to_rgb
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape

SIDE: Final = 96
CONTRAST_MIN: Final = 4.5
"""Of the letters to their ground, as WCAG 2.2 asks of text (1.4.3)."""

_HUES: Final = 24
_LINEAR_TO: Final = 0.04045


def placeholder(profile_id: UUID, name: str) -> str:
    """An SVG, the same for the same id and name."""
    ground = _ground(profile_id.int % _HUES / _HUES)
    red, green, blue = (round(255 * part) for part in ground)
    half, size = SIDE // 2, SIDE * 5 // 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}"'
        f' height="{SIDE}" role="img"><title>{escape(_drawable(name))}</title>'
        f'<rect width="{SIDE}" height="{SIDE}" fill="#{red:02x}{green:02x}{blue:02x}"/>'
        f'<text x="{half}" y="{half}" dy=".35em" fill="#fff" font-family="sans-serif"'
        f' font-size="{size}" text-anchor="middle">{escape(initials(name))}</text></svg>'
    )


def initials(name: str) -> str:
    """Of the first word and of the last; a question mark where no letter is."""
    letters = [letter for word in name.split() if (letter := _first_letter(word))]
    return "".join([*letters[:1], *letters[1:][-1:]]) or "?"


def _first_letter(word: str) -> str:
    for letter in unicodedata.normalize("NFC", word):
        if letter.isalnum():
            return letter.upper()[:1]
    return ""


def _drawable(text: str) -> str:
    # XML 1.0 has no form for these at all.
    return "".join(c for c in text if c.isprintable() and not "\ufffe" <= c <= "\uffff")


def _ground(hue: float) -> tuple[float, float, float]:
    """A colour of the hue, as light as white letters can be read on."""
    lightness = 0.6
    while contrast_to_white(colour := hls_to_rgb(hue, lightness, 0.5)) < CONTRAST_MIN:
        lightness -= 0.01
    return colour


def contrast_to_white(colour: tuple[float, float, float]) -> float:
    """The ratio of WCAG 2.2, for parts from 0 to 1."""
    linear = [c / 12.92 if c <= _LINEAR_TO else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 1.05 / (luminance + 0.05)
