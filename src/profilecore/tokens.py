"""Telling who shows an API token."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from profilecore.access import Caller, unauthenticated
from profilecore.errors import ProfilecoreError
from profilecore.ports import Tokens
from profilecore.service import now
from profilecore.token import Token, parsed

KEPT_FOR: Final = 2.0  # seconds, of the five after which a revoked token is refused everywhere
KEPT_MAX: Final = 10_000
NOTED_EVERY: Final = 60.0  # seconds

_NO_TOKEN: Final = "The token is not one of this service's: it is misspelt, or was never given out."  # noqa: S105
_ENDED: Final = "The token has expired or was revoked."


@dataclass(frozen=True, slots=True)
class _Kept:
    token: Token
    until: float


@dataclass(frozen=True, slots=True)
class _Good:
    """What was found of a credential: it shows a token that was kept."""

    kept: _Kept
    caller: Caller


class TokenAuthenticator:
    """The Authenticator port on a Tokens port.

    What was read is used for `KEPT_FOR` seconds, so that a caller who asks often costs no read each
    time. When a token was last used is noted about once a minute, by whoever uses one then.
    """

    def __init__(
        self,
        tokens: Tokens,
        *,
        clock: Callable[[], datetime] = now,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._timer = timer
        self._kept = OrderedDict[UUID, _Kept]()
        self._good = OrderedDict[str, _Good]()  # in the order in which they were found
        self._reading = dict[UUID, asyncio.Task[_Kept | None]]()
        self._used = dict[UUID, datetime]()
        self._noting: asyncio.Task[None] | None = None
        self._noted_at = float("-inf")  # the first use is noted at once

    async def authenticate(self, credential: str) -> Caller:
        good, now = self._good.get(credential), self._timer()
        if good is None or now >= good.kept.until:
            good = await self._checked(credential)
            self._remember(credential, good, now)
        token, at = good.kept.token, self._clock()
        if not token.valid(at):
            raise unauthenticated(_ENDED)
        self._note(token.id, at)
        return good.caller

    def _remember(self, credential: str, good: _Good, now: float) -> None:
        while self._good:  # a secret is not kept for longer than it is of use
            oldest = next(iter(self._good))
            if now < self._good[oldest].kept.until and len(self._good) < KEPT_MAX:
                break
            del self._good[oldest]
        self._good.pop(credential, None)
        self._good[credential] = good

    async def _checked(self, credential: str) -> _Good:
        shown = parsed(credential)
        kept = await self._token(shown[0]) if shown else None
        if shown is None or kept is None or not kept.token.matches(shown[1]):
            raise unauthenticated(_NO_TOKEN)
        token = kept.token
        return _Good(kept, Caller(token.subject, token.scopes, f"token:{token.id}"))

    async def _token(self, token_id: UUID) -> _Kept | None:
        kept = self._kept.get(token_id)
        if kept is not None and self._timer() < kept.until:
            return kept
        reading = self._reading.get(token_id)
        if reading is None:  # many requests with one token are one read
            reading = self._reading[token_id] = asyncio.create_task(self._read(token_id))
            reading.add_done_callback(partial(self._over, token_id))
        return await asyncio.shield(reading)  # whoever leaves takes it from nobody else

    async def _read(self, token_id: UUID) -> _Kept | None:
        until = self._timer() + KEPT_FOR  # from before it is read: it may be revoked meanwhile
        token = (await self._tokens.get([token_id])).get(token_id)
        self._kept.pop(token_id, None)
        if token is None:
            return None
        kept = self._kept[token_id] = _Kept(token, until)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return kept

    def _over(self, token_id: UUID, reading: asyncio.Task[_Kept | None]) -> None:
        del self._reading[token_id]
        if not reading.cancelled():
            reading.exception()  # those who asked may all be gone

    def _note(self, token_id: UUID, at: datetime) -> None:
        self._used[token_id] = at
        if self._noting is None and self._timer() - self._noted_at >= NOTED_EVERY:
            self._noting = asyncio.create_task(self._write_down())

    async def _write_down(self) -> None:
        used, self._used = self._used, {}
        try:
            await self._tokens.used(used)
        except ProfilecoreError:
            pass  # it is for people who look which tokens are in use: the next time will do
        finally:
            self._noted_at = self._timer()
            self._noting = None
