"""What the HTTP client raises, in the words of the core: the one place where that is translated."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from profilecore.errors import Unavailable

# The first kind that fits. None of their own words: they may quote what was sent.
_REASONS: Final = (
    (httpx.TimeoutException, "did not answer in time"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.NetworkError, "broke the connection off"),
    (httpx.RemoteProtocolError, "did not answer in HTTP"),
    (Exception, "could not be called"),
)
_ROOTS: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict),
    OSError,  # the errors of TLS among them
)


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn what the client library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except _ROOTS as error:
        certificate = _certificate_error(error)
        if certificate is not None:
            reason = f"has no certificate that can be trusted: {certificate.verify_message}"
        else:
            reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        raise Unavailable(f"{host} {reason}.") from error


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
