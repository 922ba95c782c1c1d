"""What the SDK raises of its variables is Invalid here: the one place where that is translated."""

from collections.abc import Iterator
from contextlib import contextmanager

from profilecore.errors import Invalid


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the SDK raises at its making into Invalid, keeping it as the cause."""
    try:
        yield
    except (ValueError, OSError) as error:
        detail = f"Traces cannot be sent as the OTEL_ variables say: {error}"
        raise Invalid(detail, code="bad_setting") from error
