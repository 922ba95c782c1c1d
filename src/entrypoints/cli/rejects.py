"""The file of rows that were not taken: one JSON object a line, for a person and for a program."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from profilecore.entrypoints.files.lines import as_text
from profilecore.errors import Invalid

_ENCODER = msgspec.json.Encoder()


class Rejects:
    """Made when the first row is refused, so that a clean run leaves no file."""

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
        """Remove what an earlier run left, unless that is what is being read now."""
        if not self.path.exists():
            return
        if os.path.samestat(self.path.stat(), os.fstat(source.fileno())):
            raise Invalid(f"{self.path} is read and cannot take the rejects too; name another.")
        if self.path.is_file():
            self.path.unlink()

    def add(self, number: int, reason: str, raw: bytes) -> None:
        """Write one row with the number of its line."""
        if self._stream is None:
            self._stream = self.path.open("wb")
        line = {"line": number, "reason": reason, "row": as_text(raw)}
        self._stream.write(_ENCODER.encode(line) + b"\n")

    def flush(self) -> None:
        """Have what was added so far in the file."""
        if self._stream is not None:
            self._stream.flush()
