"""The signatures that can be taken: asymmetric ones, so that who checks one cannot make one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import jwt
from jwt.algorithms import Algorithm


@dataclass(frozen=True, slots=True)
class Signature:
    """How one is checked; `kty` and `crv` are those of the keys that it is for, as in a JWK."""

    algorithm: Algorithm
    kty: str
    crv: str | None = None


def _from(name: str, kty: str, crv: str | None = None) -> Signature:
    return Signature(jwt.get_algorithm_by_name(name), kty, crv)


ALGORITHMS: Final[Mapping[str, Signature]] = {
    **{name: _from(name, "RSA") for name in ("RS256", "RS384", "RS512")},
    **{name: _from(name, "RSA") for name in ("PS256", "PS384", "PS512")},
    "ES256": _from("ES256", "EC", "P-256"),
    "ES384": _from("ES384", "EC", "P-384"),
    "EdDSA": _from("EdDSA", "OKP", "Ed25519"),
    "Ed25519": _from("EdDSA", "OKP", "Ed25519"),  # its name since RFC 9864
}
