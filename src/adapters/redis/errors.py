"""What Redis' client raises, in the words of the core: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import exceptions

from profilecore.errors import Unavailable

BUSY: Final = "busy"
TIMEOUT: Final = "timeout"
_ROOTS: Final = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    exceptions.ChildDeadlockedError,
    exceptions.IncorrectPolicyType,
    OSError,  # TimeoutError and the errors of TLS among them
    EOFError,
    RuntimeError,  # uvloop's, for a connection that was closed meanwhile
    UnicodeError,  # a host name that has no form in the DNS
)
_REASONS: Final = (
    (exceptions.AuthenticationError, "Redis refused the username or password."),
    (exceptions.AuthorizationError, "Redis refused the username or password."),
    (exceptions.NoPermissionError, "Redis does not allow this user what the cache needs."),
    (exceptions.BusyLoadingError, "Redis is still loading its data."),
    (exceptions.OutOfMemoryError, "Redis is out of memory."),
    (exceptions.ReadOnlyError, "Redis is a replica, which takes no writes."),
    (exceptions.ResponseError, "Redis refused a command."),
    (exceptions.ConnectionError, "Redis cannot be reached."),
    (OSError, "Redis cannot be reached."),
    (RuntimeError, "Redis cannot be reached."),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client library raises into Unavailable, keeping it as the cause."""
    try:
        yield
    except (exceptions.TimeoutError, TimeoutError) as error:
        raise Unavailable("Redis did not answer in time.", code=TIMEOUT) from error
    except _ROOTS as error:
        reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
        raise Unavailable(next(reasons, "Redis failed.")) from error
