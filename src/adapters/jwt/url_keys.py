"""The keys of an issuer at its URL, which it renews when it likes."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import httpx

from profilecore.adapters.jwt.fetching import fetched
from profilecore.adapters.jwt.key_set import KeySet
from profilecore.adapters.jwt.last_good import LastGood, Say
from profilecore.errors import Invalid, Unavailable

# Seconds, all of them.
TIME_MAX: Final = 5.0  # for one request
RENEWED_AFTER: Final = 240.0  # in the background
FRESH_FOR: Final = 300.0  # after which one waits for newer ones
KEPT_FOR: Final = 86_400.0  # while the issuer is away
ASKED_EVERY: Final = 10.0  # at most, whatever is asked of us


class UrlKeys:
    """Asks the issuer as seldom as it can: one request at a time, and one in 10 s at most.

    So nobody can make this service ask more by names of keys that do not exist. While the issuer
    is away, nobody waits for it, but those who show a key that is not known.
    """

    def __init__(
        self,
        url: str,
        *,
        say: Say,
        timer: Callable[[], float] = time.monotonic,
        time_max: float = TIME_MAX,
    ) -> None:
        self._url = url
        self._where = urlsplit(url)._replace(query="").geturl()
        self._last = LastGood(self._where, say)
        self._timer = timer
        self._time_max = time_max
        self._trusted: ssl.SSLContext | None = None
        self._read_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._ask()

    async def close(self) -> None:
        """Leave a request that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def current(self) -> KeySet:
        age = self._timer() - self._read_at
        if age >= RENEWED_AFTER:
            asking = self._begun()
            if asking is not None and age >= FRESH_FOR and not self._last.failing:
                await asyncio.wait({asking})
        return self._good()

    async def renewed(self) -> KeySet:
        asking = self._begun()
        if asking is not None:
            await asyncio.wait({asking})  # whoever leaves takes it from nobody else
        return self._good()

    def _good(self) -> KeySet:
        keys = self._last.keys
        if keys is None or self._timer() - self._read_at >= KEPT_FOR:
            hours = KEPT_FOR / 3_600
            detail = f"The keys of the issuer in {self._where} were not to be had for {hours:g} h."
            raise Unavailable(detail, retry_after=round(ASKED_EVERY))
        return keys

    def _begun(self) -> "asyncio.Task[None] | None":
        if self._asking is None and self._timer() - self._asked_at >= ASKED_EVERY:
            self._asking = asyncio.create_task(self._ask(), name="keys of the issuer")
            self._asking.add_done_callback(self._ended)
        return self._asking

    def _ended(self, _: "asyncio.Task[None]") -> None:
        self._asking = None

    async def _ask(self) -> None:
        if self._trusted is None:
            self._trusted = httpx.create_ssl_context()
        self._asked_at = at = self._timer()
        try:
            self._last.take(await fetched(self._url, self._trusted, self._time_max))
            self._read_at = at
        except (Invalid, Unavailable) as error:
            self._last.failed(error.detail, error)
