"""The file of rows that were not taken: one JSON object a line, for a person and for a program."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from profilecore.entrypoints.cli.exits import ExitCode, StoppedError, os_problem
from profilecore.entrypoints.files.lines import as_text

_ENCODER = msgspec.json.Encoder()


class Rejects:
    """Made when the first row is refused, so that a clean run leaves no file.

    Its owner alone can read it, as with an export.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def start_anew(self, source: BinaryIO) -> None:
        """Remove what an earlier run left, and refuse a place where nothing can be written."""
        if self.path.exists():
            if os.path.samestat(self.path.stat(), os.fstat(source.fileno())):
                raise _unfit(f"{self.path} is read and cannot take the rejects too")
            if not (self.path.is_file() or self.path.is_dir()):
                return  # a pipe, whose reader would take it for written
        try:
            self._open().close()
            self.path.unlink()
        except OSError as error:
            raise _unfit(f"rejects cannot be written: {os_problem(error)}") from error

    def add(self, number: int, reason: str, raw: bytes) -> None:
        """Write one row with the number of its line."""
        if self._stream is None:
            self._stream = self._open()
        line = {"line": number, "reason": reason, "row": as_text(raw)}
        self._stream.write(_ENCODER.encode(line) + b"\n")

    def flush(self) -> None:
        """Have what was added so far in the file."""
        if self._stream is not None:
            self._stream.flush()

    def _open(self) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        return os.fdopen(os.open(self.path, flags, 0o600), "wb")


def _unfit(why: str) -> StoppedError:
    return StoppedError(f"{why}; name another file with --rejects.", ExitCode.USAGE)
