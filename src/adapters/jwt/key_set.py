"""The public keys of an issuer, as it publishes them: a JWK Set (RFC 7517)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWTError

from profilecore.adapters.jwt.algorithms import ALGORITHMS
from profilecore.adapters.jwt.reading import KID_MAX, json_object
from profilecore.errors import Invalid

SET_MAX: Final = 1024 * 1024
KEYS_MAX: Final = 100
RSA_MIN, RSA_MAX = 2048, 8192
# The parts of a public key, which are all that is read of one.
_MEMBERS: Final = {
    "RSA": ("kty", "n", "e"),
    "EC": ("kty", "crv", "x", "y"),
    "OKP": ("kty", "crv", "x"),
}
_PRIVATE: Final = "d"
# What PyJWT and cryptography raise over numbers that are no key, and members that are no text.
_NO_KEY: Final = (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `algorithms` are those whose signatures it may be asked about."""

    kid: str | None
    algorithms: frozenset[str]
    public: Any = field(repr=False)

    def signed(self, data: bytes, signature: bytes, algorithm: str) -> bool:
        """Whether that is its signature."""
        return ALGORITHMS[algorithm].algorithm.verify(data, self.public, signature)


class KeySet:
    """The keys of one reading, which never change. `text` is what was read."""

    def __init__(self, text: bytes, keys: list[Key]) -> None:
        self.text = text
        self._only = keys[0] if len(keys) == 1 else None
        self._keys: dict[tuple[str, str], Key] = {}
        for key in keys:
            if key.kid is not None:
                for algorithm in key.algorithms:
                    self._keys.setdefault((key.kid, algorithm), key)
        self._kids = {key.kid for key in keys}

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read what an issuer publishes, and leave out what signs no tokens. Raises Invalid."""
        if len(text) > SET_MAX:
            raise Invalid(f"it has more than {SET_MAX:,} bytes")
        try:
            found = json_object(text).get("keys")
        except ValueError:
            raise Invalid("it is not an object in JSON") from None
        if not isinstance(found, list) or len(found) > KEYS_MAX:
            raise Invalid(f"it has no `keys`, a list of at most {KEYS_MAX}")
        keys = [key for key in map(_key, found) if key is not None]
        if not keys:
            raise Invalid(
                f"it has no key for signatures that is public, and RSA of {RSA_MIN} bits or more,"
                " EC of P-256 or P-384, or OKP of Ed25519"
            )
        return cls(text, keys)

    def knows(self, kid: str) -> bool:
        """Whether there is a key of that name."""
        return kid in self._kids

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of that name for that algorithm; the only key there is needs no name."""
        if kid is not None:
            return self._keys.get((kid, algorithm))
        only = self._only
        return only if only is not None and algorithm in only.algorithms else None


def _key(data: object) -> Key | None:
    if not isinstance(data, Mapping) or not _is_for_signatures(data):
        return None
    kid = data.get("kid")
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= KID_MAX):
        return None
    algorithms = _algorithms(data)
    public = _public(data, next(iter(algorithms))) if algorithms else None
    return None if public is None else Key(kid, algorithms, public)


def _is_for_signatures(data: Mapping[str, Any]) -> bool:
    # One whose private part is published is everybody's.
    return (
        data.get("use", "sig") == "sig"
        and "verify" in _listed(data.get("key_ops", ["verify"]))
        and _PRIVATE not in data
    )


def _listed(given: object) -> list[object]:
    return given if isinstance(given, list) else []


def _algorithms(data: Mapping[str, Any]) -> frozenset[str]:
    kty, crv, alg = data.get("kty"), data.get("crv"), data.get("alg")
    return frozenset(
        name
        for name, signature in ALGORITHMS.items()
        if kty == signature.kty
        and (signature.crv is None or crv == signature.crv)
        and alg in (None, name)
    )


def _public(data: Mapping[str, Any], algorithm: str) -> object | None:
    signature = ALGORITHMS[algorithm]
    members = {name: data[name] for name in _MEMBERS[signature.kty] if name in data}
    try:
        public = signature.algorithm.from_jwk(members)
    except _NO_KEY:
        return None
    if signature.kty == "RSA" and not RSA_MIN <= public.key_size <= RSA_MAX:
        return None
    return public  # type: ignore[no-any-return]
