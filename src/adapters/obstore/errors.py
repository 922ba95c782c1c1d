"""What obstore raises, in the words of the core: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore import exceptions

from profilecore.errors import Unavailable

_ROOTS: Final = (
    exceptions.BaseError,
    OSError,  # FileNotFoundError for whatever is missing, and what the system says of a folder
    ValueError,  # an answer, or a setting, that makes no sense to it
)
# The first kind that fits. None of their own words: they may quote a path, or an address.
_REASONS: Final = (
    (exceptions.PermissionDeniedError, "refused access"),
    (exceptions.UnauthenticatedError, "refused the credentials"),
    (FileNotFoundError, "is not there: no such bucket, container or folder"),
    (PermissionError, "refused access"),
    (ValueError, "cannot be used as it is set up"),
    (exceptions.UnknownConfigurationKeyError, "cannot be used as it is set up"),
)
_OTHERWISE: Final = "failed, or cannot be reached"
# A store says 404 for a bucket that is missing as for a file that is.
_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("The store of images did not answer in time.") from error
    except _ROOTS as error:
        reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
        reason = next(reasons, _OTHERWISE)
        raise Unavailable(f"The store of images {reason}.") from error


def is_absent(error: FileNotFoundError) -> bool:
    """Whether the store is there, and the file alone is not."""
    return not any(words in str(error) for words in _NO_BUCKET)
