"""The three parts of a token, read strictly: one text has one meaning, or none."""

import base64
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Final

from profilecore.access import unauthenticated

TOKEN_MAX: Final = 8 * 1024
KID_MAX: Final = 255
_PARTS: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# RFC 9068 has the second for access tokens; RFC 7515 lets "application/" be left out.
_TYPES: Final = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself; none of it is true before its signature is."""

    alg: str
    kid: str | None
    signed: bytes = field(repr=False)
    payload: str = field(repr=False)
    signature: bytes = field(repr=False)


def check_size(credential: str) -> None:
    """Raise Denied for what is longer than any token: before anybody looks into it."""
    if len(credential) > TOKEN_MAX:
        raise unauthenticated(f"The token is longer than {TOKEN_MAX:,} characters.")


def read(credential: str) -> Unverified:
    """Take a token apart, and its header. Raises Denied.

    A header may name a key, or where one is (`jwk`, `jku`, `x5c`, `x5u`): those are left unread.
    """
    parts = _PARTS.fullmatch(credential)
    if parts is None:
        raise unauthenticated("The token is not a JSON Web Token: three parts in base64url.")
    try:
        header = json_object(_decoded(parts[1]))
        signature = _decoded(parts[3])
    except ValueError:
        raise unauthenticated("The header of the token cannot be read.") from None
    signed = credential[: parts.end(2)].encode("ascii")
    return Unverified(_alg(header), _kid(header), signed, parts[2], signature)


def payload_of(token: Unverified) -> dict[str, Any]:
    """The claims of a token whose signature is good. Raises Denied."""
    try:
        return json_object(_decoded(token.payload))
    except ValueError:
        raise unauthenticated("The claims of the token cannot be read.") from None


def json_object(data: bytes) -> dict[str, Any]:
    """An object in JSON, no name twice, no number that is none. Raises ValueError."""
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - it is the text that is wrong
    return found


def _alg(header: dict[str, Any]) -> str:
    alg, kind = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(alg, str):
        raise unauthenticated("The token does not name the algorithm of its signature.")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise unauthenticated("The token is of another type: its typ may be JWT or at+jwt.")
    if "crit" in header:
        raise unauthenticated("The token has critical extensions (crit), and none is known here.")
    return alg


def _kid(header: dict[str, Any]) -> str | None:
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 1 <= len(kid) <= KID_MAX):
        raise unauthenticated(f"The kid of the token is no text of 1 to {KID_MAX} characters.")
    return kid


def _decoded(part: str) -> bytes:
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part.encode("ascii"):
        raise ValueError("bits that belong to no byte")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name that is there twice")
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number that is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(text)
