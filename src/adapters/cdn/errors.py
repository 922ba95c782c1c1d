"""What the HTTP client raises, in the words of the core: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from profilecore.errors import Unavailable

# The first kind that fits.
_REASONS: Final = (
    (httpx.TimeoutException, "did not answer in time"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.NetworkError, "broke the connection off"),
    (httpx.RemoteProtocolError, "did not answer in HTTP"),
)
_OTHERWISE: Final = "could not be told to purge"
_ROOTS: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict),
    OSError,  # the errors of TLS among them
)


@contextmanager
def translated(cache: str) -> Iterator[None]:
    """Turn what the client library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except _ROOTS as error:
        reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
        raise Unavailable(f"{cache} {next(reasons, _OTHERWISE)}.") from error
