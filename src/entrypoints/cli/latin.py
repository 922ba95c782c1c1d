"""Names in Latin letters, as people put them into an email address."""

import re
import unicodedata
from typing import Final


def _readings(letters: str, *readings: str) -> dict[str, str]:
    return dict(zip(letters, " ".join(readings).split(), strict=True))


_SILENT: Final = "-"
_LETTERS: Final = {
    **_readings(
        "абвгґдеєжзиіїйклмнопрстуфхцчшщъыьэюяё",
        "a b v g g d e ye zh z i i yi y k l m n o p r s t u f kh ts ch sh shch",
        "- y - e yu ya yo",
    ),
    **_readings(
        "αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o"
    ),
    **_readings(
        "ءابتثجحخدذرزسشصضطظعغفقكلمنهويىةؤئ",
        "- a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y a a w y",
    ),
    **_readings(
        "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
        "a b g d h v z h t y k kh l m m n n s a p f ts ts k r sh t",
    ),
    **_readings("łøđıßæœþð", "l o d i ss ae oe th d"),
}
_DEVANAGARI: Final = re.compile(r"DEVANAGARI (LETTER|VOWEL SIGN|SIGN) (?:CANDRA )?(\w+)")
_HANGUL: Final = "HANGUL SYLLABLE "
_NASALS: Final = {"ANUSVARA": "n", "CANDRABINDU": "n"}


def latin(name: str) -> str:
    """The letters of a name in ASCII; a character without a known reading stays as it is."""
    parts: list[str] = []
    # Composed for Hangul, whose syllables have names; the marks of the others come off below.
    for char in unicodedata.normalize("NFC", name.lower()):
        _append(parts, char)
    return re.sub(r"[\s.]+", ".", "".join(parts)).strip(".")


def _append(parts: list[str], char: str) -> None:
    title = unicodedata.name(char, "")
    if char in _LETTERS:
        parts.append(_LETTERS[char].strip(_SILENT))
    elif title.startswith(_HANGUL):
        parts.append(title.removeprefix(_HANGUL).lower())
    elif found := _DEVANAGARI.match(title):
        _append_devanagari(parts, *found.groups())
    else:
        bare = (part for part in unicodedata.normalize("NFD", char) if _counts(part))
        parts.extend(_LETTERS.get(part, part) for part in bare)


def _counts(char: str) -> bool:
    return not unicodedata.combining(char) and (char.isalnum() or char.isspace())


def _append_devanagari(parts: list[str], kind: str, reading: str) -> None:
    # A consonant is read with an "a" after it, which a vowel sign or a virama takes away.
    if kind != "LETTER" and reading not in _NASALS and parts:
        parts[-1] = parts[-1].removesuffix("a")
    if kind != "SIGN":
        parts.append(reading.lower())
    else:
        parts.append(_NASALS.get(reading, ""))
