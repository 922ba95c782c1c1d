"""What the HTTP client raises is Unavailable here: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager

from profilecore.adapters.httpx_errors import ERRORS, reason_of
from profilecore.errors import Unavailable


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn what the client library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except ERRORS as error:
        reason = reason_of(error, "could not be called")
        raise Unavailable(f"{host} {reason}.") from error
