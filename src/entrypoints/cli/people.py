"""Made-up people, as varied as real ones: their names, scripts, and how much they tell."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from faker import Faker

from profilecore.entrypoints.cli.latin import latin

COUNT_MAX: Final = 1_000_000  # an address holds a number below this, and none comes twice

_PROVIDERS: Final = [f"faker.providers.{name}" for name in ("person", "lorem", "job")]
_FAMILY_FIRST: Final = {"ja_JP": " ", "zh_CN": "", "ko_KR": ""}
_OTHERS: Final = (
    *("en_US", "de_DE", "fr_FR", "pl_PL", "pt_BR", "tr_TR", "vi_VN"),  # Latin
    *("ru_RU", "uk_UA", "el_GR", "ar_AA", "he_IL", "hi_IN"),
)
_LOCALES: Final = (*_OTHERS, *_FAMILY_FIRST)
_NO_SENTENCES: Final = ("hi_IN", "ko_KR")  # Faker has none in these languages
_DOMAINS: Final = ("example.com", "example.org", "example.net")
_POOL: Final = 80
_HANDLE_MAX: Final = 48
_STEP: Final = 618_033  # has no factor in common with COUNT_MAX, so that all numbers come by

Name: TypeAlias = tuple[str, str]  # as it is written, and in Latin letters


@dataclass(frozen=True, slots=True)
class _Locale:
    """What people of one language are made of; two lists of each name, one for each gender."""

    given: tuple[list[Name], list[Name]]
    family: tuple[list[Name], list[Name]]
    family_first: bool
    joiner: str
    jobs: list[str]
    sentences: list[str]


def people(random_seed: int) -> Iterator[dict[str, object]]:
    """Values for profiles, up to `COUNT_MAX` of them; the same for the same seed."""
    rng = random.Random(random_seed)  # noqa: S311 - must be repeatable, keeps no secret
    locales = [_locale(name, rng.getrandbits(32)) for name in _LOCALES]
    start = rng.randrange(COUNT_MAX)
    for index in range(COUNT_MAX):
        yield _person(rng, rng.choice(locales), (start + index * _STEP) % COUNT_MAX)


def _person(rng: random.Random, locale: _Locale, number: int) -> dict[str, object]:
    gender = rng.getrandbits(1)
    given = rng.choice(locale.given[gender])
    family = rng.choice(locale.family[gender])
    names = (family, given) if locale.family_first else (given, family)
    handle = f"{given[1]}.{family[1]}"[:_HANDLE_MAX].rstrip(".")
    return {
        "name": locale.joiner.join(name for name, _ in names),
        "email": f"{handle}{number}@{rng.choice(_DOMAINS)}",
        "bio": _bio(rng, locale),
        "image_urls": _image_urls(rng, number),
    }


def _bio(rng: random.Random, locale: _Locale) -> str:
    length = rng.choices((0, 1, 3, 8, 60), cum_weights=(25, 55, 85, 98, 100))[0]
    if length == 0:
        return ""
    if length == 1 or not locale.sentences:
        return rng.choice(locale.jobs)
    return " ".join(rng.choices(locale.sentences, k=rng.randint(1, length)))


def _image_urls(rng: random.Random, number: int) -> list[str]:
    count = rng.choices((0, 1, 3), cum_weights=(50, 90, 100))[0]
    return [f"https://example.com/images/{number}/{index}.jpg" for index in range(1, count + 1)]


def _locale(name: str, seed: int) -> _Locale:
    fake = Faker(name, providers=_PROVIDERS)
    fake.seed_instance(seed)
    given, family = (
        (_names(fake, f"{part}_name_female"), _names(fake, f"{part}_name_male"))
        for part in ("first", "last")
    )
    sentences = [] if name in _NO_SENTENCES else _pool(fake.sentence)
    joiner = _FAMILY_FIRST.get(name, " ")
    return _Locale(given, family, name in _FAMILY_FIRST, joiner, _pool(fake.job), sentences)


def _names(fake: Faker, method: str) -> list[Name]:
    # Japanese names come with their reading, which their characters do not tell.
    pair: Callable[[], Any] | None = getattr(fake, f"{method}_pair", None)
    pair = pair or getattr(fake, f"{method.rsplit('_', 1)[0]}_pair", None)
    if pair is not None:
        return [(name, latin(reading)) for name, _, reading in _pool(pair)]
    return [(name, latin(name)) for name in _pool(getattr(fake, method))]


def _pool(make: Callable[[], Any]) -> list[Any]:
    return [make() for _ in itertools.repeat(None, _POOL)]
