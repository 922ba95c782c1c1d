"""What an issuer publishes, fetched: in bounded time and bytes, and from nowhere else."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from profilecore.adapters.httpx_errors import ERRORS, reason_of
from profilecore.adapters.jwt.key_set import SET_MAX
from profilecore.errors import Unavailable

CONNECT_MAX: Final = 2.0
_HEADERS: Final = {
    "User-Agent": "profilecore",
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",  # what is unpacked may be any size
}


async def fetched(url: str, trusted: ssl.SSLContext, time_max: float) -> bytes:
    """Get it within so many seconds. Raises Unavailable."""
    with translated():
        async with (
            asyncio.timeout(time_max),
            httpx.AsyncClient(
                headers=_HEADERS,
                verify=trusted,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(time_max, connect=CONNECT_MAX),
            ) as client,
            client.stream("GET", url) as response,
        ):
            return await _body(response)


async def _body(response: httpx.Response) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise Unavailable(f"it answered {response.status_code}")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > SET_MAX:
            raise Unavailable(f"it answered with more than {SET_MAX:,} bytes")
    return bytes(body)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except ERRORS as error:
        raise Unavailable(f"it {reason_of(error, 'could not be asked')}") from error
