"""Made-up people."""

import itertools
import unicodedata

import pytest

from profilecore import rules
from profilecore.entrypoints.cli.latin import latin
from profilecore.entrypoints.cli.people import people

SCRIPTS = {
    *("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "HANGUL", "CJK"),
}


def some(seed: int, count: int) -> list[dict[str, object]]:
    return list(itertools.islice(people(seed), count))


def test_the_same_seed_makes_the_same_people_and_another_others() -> None:
    assert some(7, 500) == some(7, 500)
    assert not {row["email"] for row in some(7, 500)} & {row["email"] for row in some(8, 500)}


def test_every_one_of_them_is_a_valid_profile_with_an_address_of_its_own() -> None:
    rows = some(1, 20_000)
    for row in rows:
        assert rules.checked(row, required=("name", "email"))["name"] == row["name"]
    keys = {rules.email_key(str(row["email"])) for row in rows}
    assert len(keys) == len(rows)
    assert {key.rpartition("@")[2] for key in keys} == {"example.com", "example.org", "example.net"}


def test_they_write_in_many_scripts_and_tell_more_or_less() -> None:
    rows = some(1, 2_000)
    scripts = {
        unicodedata.name(char).split()[0]
        for row in rows
        for char in str(row["name"])
        if char.isalpha()
    }
    assert scripts >= SCRIPTS
    lengths = {min(len(str(row["bio"])) // 100, 10) for row in rows}
    assert {0, 1, 5, 10} <= lengths
    assert {len(row["image_urls"]) for row in rows} == {0, 1, 3}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Łukasz Żółć", "lukasz.zolc"),
        ("Jürgen Groß", "jurgen.gross"),
        ("Юрий Щербаков", "yuriy.shcherbakov"),
        ("Νικηφόρος", "nikiforos"),
        ("עמית כהן", "amyt.khn"),
        ("خطيب", "khtyb"),
        ("विवेक रॉय", "viveka.roya"),
        ("김 미정", "gim.mijeong"),
        ("O'Brien Jr.", "obrien.jr"),
        ("孙冬梅", "孙冬梅"),
    ],
)
def test_a_name_in_latin_letters(name: str, expected: str) -> None:
    assert latin(name) == expected
