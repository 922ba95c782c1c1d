"""Telling who shows a token that the issuer has signed."""

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Protocol

from profilecore.access import Caller, unauthenticated
from profilecore.adapters.jwt.algorithms import ALGORITHMS
from profilecore.adapters.jwt.claims import Rules, checked
from profilecore.adapters.jwt.key_set import KeySet
from profilecore.adapters.jwt.reading import Unverified, check_size, payload_of, read
from profilecore.errors import Invalid

LEEWAY: Final = 30.0  # seconds by which the issuer's clock may differ from ours
KEPT_MAX: Final = 10_000

_UNKNOWN: Final = "The token is not signed by a key that the issuer has published."
_FORGED: Final = "The signature of the token is not that of its key."


class Keys(Protocol):
    """Where the issuer's keys are from. What is asked often has to cost next to nothing."""

    async def open(self) -> None:
        """Read them for the first time. Raises Unavailable, with a line that says why not."""
        ...

    async def close(self) -> None:
        """Let go of what was opened."""
        ...

    async def current(self) -> KeySet:
        """Give the keys. Raises Unavailable where the last good ones are too old."""
        ...

    async def renewed(self) -> KeySet:
        """Give them to somebody who misses one: newer ones, if that was not tried just now."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    caller: Caller
    keys: KeySet
    ends: float


class JwtAuthenticator:
    """The Authenticator port on an issuer's public keys.

    Raises Invalid for an algorithm that is not asymmetric. A token found good is remembered by its
    hash, and not checked again before it ends or the keys change: a signature takes 30 to 1,300 µs.
    Raises Unavailable where there are no keys to check with.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        algorithms: Collection[str],
        leeway: float = LEEWAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        unknown = sorted(set(algorithms) - ALGORITHMS.keys())
        if unknown or not algorithms:
            raise Invalid(f"Not {', '.join(unknown)}: it takes {', '.join(ALGORITHMS)}.")
        self._keys = keys
        self._rules = Rules(issuer, audience, leeway)
        self._algorithms = frozenset(algorithms)
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}

    async def open(self) -> None:
        """Read the keys. Raises Unavailable."""
        await self._keys.open()

    async def close(self) -> None:
        """Let go of where the keys are from."""
        await self._keys.close()

    async def authenticate(self, credential: str) -> Caller:
        check_size(credential)
        digest = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
        keys = await self._keys.current()
        kept = self._kept.get(digest)
        if kept is not None and kept.keys is keys and self._clock() < kept.ends:
            return kept.caller
        self._kept.pop(digest, None)
        found = await self._verified(read(credential), keys)
        self._kept[digest] = found
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return found.caller

    async def _verified(self, token: Unverified, keys: KeySet) -> _Kept:
        if token.alg not in self._algorithms:
            allowed = ", ".join(sorted(self._algorithms))
            raise unauthenticated(f"The token is signed in a way that is not taken: {allowed} are.")
        if token.kid is not None and not keys.knows(token.kid):
            keys = await self._keys.renewed()
        key = keys.find(token.kid, token.alg)
        if key is None:
            raise unauthenticated(_UNKNOWN)
        if not key.signed(token.signed, token.signature, token.alg):
            raise unauthenticated(_FORGED)
        claims = checked(payload_of(token), self._rules, self._clock())
        name = hashlib.sha256(f"{self._rules.issuer}\n{claims.subject}".encode()).hexdigest()
        return _Kept(Caller(claims.subject, claims.scopes, f"jwt:{name}"), keys, claims.ends)
