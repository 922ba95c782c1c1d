"""What the claims of a token have to say (RFC 7519, and RFC 9068 for scopes)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from profilecore.access import Scope, unauthenticated
from profilecore.rules import is_line

SUBJECT_MAX: Final = 255
_TIME_MAX: Final = 2**53  # every whole number up to here is a float too
_SCOPES: Final[Mapping[str, Scope]] = {scope.value: scope for scope in Scope}


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose tokens are taken, for whom, and by how many seconds clocks may differ."""

    issuer: str
    audience: str
    leeway: float


@dataclass(frozen=True, slots=True)
class Claims:
    """What was found; `ends` is when the token is to be refused, the leeway being over."""

    subject: str
    scopes: frozenset[Scope]
    ends: float


def checked(claims: Mapping[str, Any], rules: Rules, at: float) -> Claims:
    """Check the claims of a token at the time `at`, in Unix seconds. Raises Denied."""
    if claims.get("iss") != rules.issuer:
        raise unauthenticated("The token is from another issuer, or does not name it (iss).")
    if not _names(claims.get("aud"), rules.audience):
        raise unauthenticated("The token is not for this service: its aud does not name it.")
    ends = _time(claims, "exp")
    if ends is None:
        raise unauthenticated("The token has no end (exp), and has to have one.")
    if ends + rules.leeway <= at:
        raise unauthenticated("The token has expired.")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins - rules.leeway > at:
            raise unauthenticated(f"The token is not valid yet: its {name} is in the future.")
    return Claims(_subject(claims.get("sub")), _scopes(claims), ends + rules.leeway)


def _names(given: object, audience: str) -> bool:
    if isinstance(given, list):
        return audience in given
    return given == audience


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    given = claims[name]
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not -_TIME_MAX <= given <= _TIME_MAX:
        raise unauthenticated(f"The {name} of the token is not a time in seconds.")
    return float(given)


def _subject(given: object) -> str:
    if (
        not isinstance(given, str)
        or not 1 <= len(given.strip()) <= len(given) <= SUBJECT_MAX
        or not is_line(given)
    ):
        must = f"its sub has to be 1 to {SUBJECT_MAX} characters of one line"
        raise unauthenticated(f"The token does not say who its holder is: {must}.")
    return given


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    given = claims.get("scope", [])
    words = given.split(" ") if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise unauthenticated("The scope of the token is neither a text nor a list of texts.")
    return frozenset(_SCOPES[word] for word in words if word in _SCOPES)
