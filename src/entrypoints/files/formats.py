"""Which of the formats a file is in."""

from enum import StrEnum
from pathlib import PurePath
from typing import Final, Protocol

from profilecore import Invalid

_PEEKED: Final = 4_096
_SUFFIXES: Final = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}


class Format(StrEnum):
    """The formats that there are."""

    NDJSON = "ndjson"
    CSV = "csv"


class Peekable(Protocol):
    """A stream that can be looked into without taking anything out of it."""

    def peek(self, size: int = ..., /) -> bytes:
        """What comes next; at least one byte unless the stream is at its end."""
        ...


def of_name(name: str) -> Format | None:
    """The format that a file's name promises, None where it promises nothing."""
    suffix = _SUFFIXES.get(PurePath(name).suffix.lower())
    return Format(suffix) if suffix else None


def sniffed(stream: Peekable) -> Format:
    """The format that the beginning of a stream looks like. Raises Invalid for a JSON array."""
    start = stream.peek(_PEEKED).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        raise Invalid(
            "This looks like one JSON array; it takes one object a line, "
            "as `jq -c '.[]' FILE` writes them."
        )
    return Format.NDJSON if start.startswith(b"{") or not start else Format.CSV
