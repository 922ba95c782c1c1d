"""Where a command's data goes: standard output, or a file that appears when it is whole."""

import errno
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from profilecore.entrypoints.cli.exits import ReaderGoneError
from profilecore.entrypoints.cli.stop import interruptible

Write: TypeAlias = Callable[[bytes], object]

STANDARD = "-"
_STANDARD_ERROR: Final = 2


@contextmanager
def written(target: str) -> Iterator[Write]:
    """Give a function that writes to `target`, `-` being standard output.

    A file is written beside its final name, readable by its owner alone, and gets that name once
    it is complete and on the disk; what was there before stays until then.
    """
    path = Path(target)
    try:
        if target == STANDARD:
            yield _to_standard_output
        elif path.exists() and not path.is_file():
            with path.open("wb") as stream:  # a device or a pipe must not be replaced
                yield stream.write
        else:
            with interruptible():
                yield from _whole_file(path.resolve())
    except BrokenPipeError:
        raise ReaderGoneError from None


def _whole_file(path: Path) -> Iterator[Write]:
    # Named before it is made, so that it is removed whenever a signal comes.
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:  # says which file the user meant, not which was tried
            raise OSError(error.errno, error.strerror, str(path)) from error
        with os.fdopen(descriptor, "wb") as stream:
            yield stream.write
            stream.flush()
            os.fsync(descriptor)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def keep_standard_streams() -> None:
    """Have nothing take the place of those that whoever started this has closed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    sys.stderr = sys.stderr or os.fdopen(_STANDARD_ERROR, "w")


def _to_standard_output(data: bytes) -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "is closed", "standard output")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
