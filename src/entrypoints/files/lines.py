"""Lines of a file that nobody vouches for: numbered, and never longer than memory allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from profilecore.importing import Row

LINE_MAX: Final = 1 << 20
_KEPT: Final = 1_000
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that could be read; `raw` is its text, for whoever has to look at it."""

    row: Row
    raw: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """What could not be read at line `number`, and why."""

    number: int
    reason: str
    raw: bytes


Read: TypeAlias = Taken | Broken


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its end; `cut` where it was too long, `data` being its beginning then."""

    number: int
    data: bytes
    end: str = ""
    cut: bool = False

    def too_long(self) -> Broken:
        """What to say of a line that was cut."""
        return Broken(self.number, f"is longer than {LINE_MAX} bytes", self.data)


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line, numbered from 1; a byte order mark is taken off.

    Of a line above `LINE_MAX` bytes only the beginning is kept.
    """
    number = 0
    while data := stream.readline(LINE_MAX + 1):
        number += 1
        if number == 1:
            data = data.removeprefix(_BOM)
        if len(data) > LINE_MAX and not data.endswith(b"\n"):
            _skip_line(stream)
            yield Line(number, data[:_KEPT], cut=True)
        else:
            text = data.removesuffix(b"\n").removesuffix(b"\r")
            yield Line(number, text, end=data[len(text) :].decode())


def _skip_line(stream: BinaryIO) -> None:
    while (data := stream.readline(LINE_MAX)) and not data.endswith(b"\n"):
        pass


def as_text(raw: bytes) -> str:
    """Bytes for a person to read, whatever they are; those that are no text as \\xNN."""
    return raw.decode("utf-8", "backslashreplace")
