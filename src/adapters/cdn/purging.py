"""Requests to forget."""

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx

from profilecore.adapters.cdn.errors import translated
from profilecore.errors import Unavailable

CONNECT_MAX: Final = 2.0
ANSWER_MAX: Final = 5.0
_AT_ONCE: Final = 8
# Gone, or never there: either way the cache does not have it.
_DONE: Final = (httpx.codes.OK, httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND)


class Purging:
    """Sends PURGE to each of the caches, at the paths that are below `base_url`.

    The caches are called within, by names that only this side knows; so the host that they are
    asked for is that of `base_url`, if it has one, as it is for those who fetched an image.
    """

    def __init__(self, caches: Sequence[str], base_url: str, *, time_max: float) -> None:
        self._caches = caches
        self._path = urlsplit(base_url).path
        host = urlsplit(base_url).netloc
        self._headers = {"User-Agent": "profilecore"} | ({"Host": host} if host else {})
        self._time_max = time_max
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self, keys: Sequence[str]) -> None:
        """Raise Unavailable where any of them has not said that it is done, after asking all."""
        async with httpx.AsyncClient(
            headers=self._headers,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(ANSWER_MAX, connect=CONNECT_MAX),
        ) as client:
            calls = [self._purge(client, cache, key) for cache in self._caches for key in keys]
            try:
                async with asyncio.timeout(self._time_max):
                    outcomes = await asyncio.gather(*calls, return_exceptions=True)
            except TimeoutError as error:
                detail = f"The caches have not purged within {self._time_max:g} s."
                raise Unavailable(detail) from error
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _purge(self, client: httpx.AsyncClient, cache: str, key: str) -> None:
        async with self._slots:
            with translated(urlsplit(cache).netloc):
                async with client.stream("PURGE", f"{cache}{self._path}/{key}") as response:
                    status = response.status_code
        if status not in _DONE:
            raise Unavailable(f"{urlsplit(cache).netloc} answered {status} to a PURGE.")
