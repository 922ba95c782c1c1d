"""Whoever shows one credential after another that is not good is not listened to for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from profilecore.access import Caller
from profilecore.entrypoints.http.asgi import AsgiScope
from profilecore.entrypoints.http.limits import Limits
from profilecore.errors import Denied
from profilecore.ports import Authenticator

KNOWN_FOR: Final = 600.0
NOTED_EVERY: Final = 10.0
KEPT_MAX: Final = 10_000


class Guesses:
    """Asks an authenticator, but not for an address whose budget of failures is used up.

    A credential that was good within the last `KNOWN_FOR` seconds is asked about all the same: who
    shares an address with somebody who guesses is not shut out. Each process finds out by itself
    that a budget is used up, by one more failure.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._clock = clock
        self._blocked_until = OrderedDict[str, float]()
        self._known_until = OrderedDict[bytes, float]()
        self._noted_until = OrderedDict[int, float]()

    async def authenticate(self, scope: AsgiScope, credential: str) -> Caller:
        """Who shows this; Denied, or TooMany where nobody listens any more."""
        now = self._clock()
        if self._blocked_until:
            wait = self._blocked_until.get(self._limits.address(scope), 0.0) - now
            if wait > 0 and self._known_until.get(_hashed(credential), 0.0) <= now:
                raise self._limits.refuse_failures(scope, wait)
        try:
            caller = await self._authenticator.authenticate(credential)
        except Denied:
            self._known_until.pop(_hashed(credential), None)
            await self._note_failure(self._limits.address(scope))
            raise
        # Two that have one mark are unlikely, and would only be noted later.
        mark = hash(credential)
        if self._noted_until.get(mark, 0.0) <= now:
            _keep(self._noted_until, mark, now + NOTED_EVERY)
            _keep(self._known_until, _hashed(credential), now + KNOWN_FOR)
        return caller

    async def _note_failure(self, address: str) -> None:
        verdict = await self._limits.failed(address)
        if verdict is not None and not verdict.remaining:
            _keep(self._blocked_until, address, self._clock() + verdict.wait)


def _hashed(credential: str) -> bytes:
    return blake2b(credential.encode(), digest_size=16).digest()


def _keep(kept: "OrderedDict[Any, float]", key: object, until: float) -> None:
    kept[key] = until
    kept.move_to_end(key)
    if len(kept) > KEPT_MAX:
        kept.popitem(last=False)
