"""What httpx raises, in words for people: shared by the adapters that ask others over HTTP."""

import ssl
from typing import Final

import httpx

ERRORS: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict),
    OSError,  # TimeoutError and the errors of TLS among them
)
"""All that a call may raise; what else comes through is nobody's but the caller's."""
# The first kind that fits. None of their own words: they may quote what was sent.
_REASONS: Final = (
    (httpx.TimeoutException, "did not answer in time"),
    (TimeoutError, "did not answer in time"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.NetworkError, "broke the connection off"),
    (httpx.RemoteProtocolError, "did not answer in HTTP"),
)


def reason_of(error: BaseException, otherwise: str) -> str:
    """What whoever was asked did wrong, to go on after its name; `otherwise` where nobody knows."""
    certificate = _certificate_error(error)
    if certificate is not None:
        return f"has no certificate that can be trusted: {certificate.verify_message}"
    reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
    return next(reasons, otherwise)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
