"""What stands for a person without a picture: drawn from an id and a name, whatever these are."""

import re
from colorsys import rgb_to_hls
from uuid import UUID
from xml.etree import ElementTree

import pytest

from profilecore.placeholder import CONTRAST_MIN, contrast_to_white, initials, placeholder

ID = UUID("0198c5a0-0000-7000-8000-000000000000")
HUES = 24
SVG = "{http://www.w3.org/2000/svg}"


def drawn(name: str, profile_id: UUID = ID) -> tuple[str, str]:
    """The title and the letters, as whoever shows it reads them; and there is nothing else."""
    root = ElementTree.fromstring(placeholder(profile_id, name))  # noqa: S314 - our own
    title, rect, text = root
    assert [root.tag, title.tag, rect.tag, text.tag] == [
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text")
    ]
    assert not [child for part in root for child in part]
    return title.text or "", text.text or ""


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("Ada King Countess of Lovelace", "AL"),
        ("  ada \t lovelace  ", "AL"),
        ("jean-luc picard", "JP"),
        ("o'neil", "O"),
        ("'Ada' (Lovelace)", "AL"),
        ("Žofia Ångström", "ŽÅ"),
        ("e\u0301mile zola", "ÉZ"),
        ("ß", "S"),
        ("ǆ", "Ǆ"),
        ("李 小龙", "李小"),
        ("Ω μέγα", "ΩΜ"),
        ("Юрий Гагарин", "ЮГ"),
        ("محمد علي", "مع"),
        ("שרה כהן", "שכ"),
        ("प्रिया शर्मा", "पश"),
        ("김 철수", "김철"),
        ("𐐨𐐩 x", "𐐀X"),
        ("4 ever", "4E"),
        ("\U0001f600", "?"),
        ("\U0001f600 ada", "A"),
        ("...", "?"),
        ("", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
    assert drawn(name)[1] == letters


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "</title></svg><script>alert(1)</script>",
        "]]><x/>",
        "&amp; &lt; &#x3c;script&#x3e;",
        "\"'><img src=x onerror=alert(1)>",
        "a'b\"c<d>e&f",
        "<!-- --> <!DOCTYPE x [<!ENTITY y 'z'>]> &y;",
        "<![CDATA[x]]>",
        'x" onload="alert(1)" y=\'',
    ],
)
def test_nothing_of_a_name_is_markup(name: str) -> None:
    title, _ = drawn(name)
    assert title == name
    svg = placeholder(ID, name)
    assert not re.search(r"<(?!/?(svg|title|rect|text)\b)", svg)
    assert set(re.findall(r" (\w[\w-]*)=", re.sub(r"<title>.*</title>", "", svg))) == {
        *("xmlns", "viewBox", "width", "height", "role"),
        *("x", "y", "dy", "fill", "font-family", "font-size", "text-anchor"),
    }


@pytest.mark.parametrize(
    "character",
    [
        *("\0", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\x85", "\x9f"),
        *("\ud800", "\udfff", "\ufffe", "\uffff", "\u202e", "\u2066", "\u200f", "\ufeff"),
        *("\U0001fffe", "\U0010ffff"),
    ],
    ids=ascii,
)
def test_what_xml_cannot_hold_or_turns_text_round_is_left_out(character: str) -> None:
    title, letters = drawn(f"A{character}da {character}Lovelace{character}")
    assert (title, letters) == ("Ada Lovelace", "AL")
    placeholder(ID, character).encode()


def test_the_letters_can_be_read_on_every_ground() -> None:
    assert CONTRAST_MIN == 4.5
    grounds = set()
    for number in range(HUES):
        svg = placeholder(UUID(int=number), "Ada")
        (colour,) = re.findall('fill="#([0-9a-f]{6})"', svg)
        parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        red, green, blue = parts
        assert contrast_to_white((red, green, blue)) >= CONTRAST_MIN, colour
        assert rgb_to_hls(red, green, blue)[1] > 0.2, "a colour, and not nearly black"
        assert '" fill="#fff"' in svg
        grounds.add(colour)
    assert len(grounds) == HUES


def test_contrast_is_that_of_the_standard() -> None:
    """Values from the Web: #767676 is the lightest grey that may stand for text."""
    for colour, ratio in (("000000", 21.0), ("ffffff", 1.0), ("767676", 4.54), ("ff0000", 3.998)):
        red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4))
        assert contrast_to_white((red, green, blue)) == pytest.approx(ratio, abs=0.01)


def test_the_same_person_looks_the_same() -> None:
    other = UUID(int=ID.int + 1)
    assert placeholder(ID, "Ada") == placeholder(ID, "Ada")
    assert placeholder(ID, "Ada") != placeholder(other, "Ada")
    assert placeholder(ID, "Ada") != placeholder(ID, "Bob")
    assert placeholder(ID, "Ada") == placeholder(UUID(int=ID.int + HUES), "Ada")


def test_two_letters_fit() -> None:
    """The widest letter is about as wide as the text is high, of which a half is more."""
    root = ElementTree.fromstring(placeholder(ID, "Wanda Wu"))  # noqa: S314 - our own
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (
        *("96", "96"),
        "0 0 96 96",
    )
    text = root[2]
    assert (text.get("x"), text.get("y"), text.get("text-anchor")) == ("48", "48", "middle")
    assert 96 / 3 < int(text.get("font-size") or 0) <= 96 / 2
