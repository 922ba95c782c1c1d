"""What an issuer publishes, fetched: in bounded time and bytes, and from nowhere else."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from profilecore.adapters.jwt.key_set import SET_MAX
from profilecore.errors import Unavailable

CONNECT_MAX: Final = 2.0
_HEADERS: Final = {
    "User-Agent": "profilecore",
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",  # what is unpacked may be any size
}
# The first kind that fits.
_REASONS: Final = (
    (httpx.TimeoutException, "it did not answer in time"),
    (TimeoutError, "it did not answer in time"),
    (httpx.ConnectError, "it cannot be reached"),
    (httpx.NetworkError, "it broke the connection off"),
    (httpx.RemoteProtocolError, "it did not answer in HTTP"),
)
_OTHERWISE: Final = "it could not be asked"
_ROOTS: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict),
    OSError,  # TimeoutError and the errors of TLS among them
)


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
    except _ROOTS as error:
        certificate = _certificate_error(error)
        if certificate is not None:
            reason = f"it has no certificate that can be trusted: {certificate.verify_message}"
        else:
            reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
            reason = next(reasons, _OTHERWISE)
        raise Unavailable(reason) from error


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
