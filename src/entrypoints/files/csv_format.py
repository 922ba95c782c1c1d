"""Comma-separated values as RFC 4180 has them, with a header, and as spreadsheets write them."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import msgspec

from profilecore import Invalid, Profile
from profilecore.entrypoints.files.lines import Broken, Line, Read, Taken, lines
from profilecore.entrypoints.wire import ENCODER, ProfileBody
from profilecore.importing import Row

COLUMNS: Final = ProfileBody.__struct_fields__
_LISTS: Final = ("image_urls", "images")
_DELIMITERS: Final = ",;\t"


class _UnreadableError(Exception):
    """A line that cannot be part of any row."""


def read_csv(stream: BinaryIO) -> Iterator[Read]:
    """Every row under the header; the number of a row is that of its first line.

    An empty cell counts as not given. Where a row cannot be read, a missing quote for one, only
    its first line is given up. Raises Invalid for a header that cannot be used.
    """
    source = _Source(stream)
    header = _header(source)
    yield from _rows(source, header)


def _header(source: "_Source") -> "_Header":
    for line in source:
        text = line.data.decode("utf-8", "replace")
        delimiter = max(_DELIMITERS, key=text.count)
        try:
            cells = next(csv.reader([text], delimiter=delimiter))
        except csv.Error as error:
            raise Invalid(f"The header cannot be read: {error}.") from error
        return _Header(cells, delimiter)
    raise Invalid("There is no header: the first line has to name the columns.")


class _Header:
    def __init__(self, cells: Sequence[str], delimiter: str) -> None:
        self.columns = [cell.strip().lower() for cell in cells]
        self.delimiter = delimiter
        unknown = [f"'{column}'" for column in self.columns if column not in COLUMNS]
        twice = {f"'{column}'" for column in self.columns if self.columns.count(column) > 1}
        missing = [name for name in ("name", "email") if name not in self.columns]
        if unknown:
            names, allowed = ", ".join(unknown)[:500], ", ".join(COLUMNS)
            raise Invalid(f"Unknown columns in the header: {names}; allowed: {allowed}.")
        if twice:
            raise Invalid(f"Columns given twice: {', '.join(sorted(twice))}.")
        if missing:
            raise Invalid(f"Missing columns: {', '.join(missing)}.")


def _rows(source: "_Source", header: _Header) -> Iterator[Read]:
    for first in source:
        source.back(first)
        record: list[Line] = []
        reader = csv.reader(_texts(source, record), delimiter=header.delimiter, strict=True)
        try:
            cells = next(reader)
        except (csv.Error, _UnreadableError, StopIteration) as error:
            # What was taken for the rest of this row may well be rows of their own.
            source.back(*record[1:])
            reason = f"cannot be read: {error}" if str(error) else "cannot be read"
            yield first.too_long() if first.cut else Broken(first.number, reason, first.data)
        else:
            raw = b"\n".join(line.data for line in record)
            yield _row(header, cells, first.number, raw)


def _row(header: _Header, cells: Sequence[str], number: int, raw: bytes) -> Read:
    if len(cells) != len(header.columns):
        reason = f"has {len(cells)} cells, and the header {len(header.columns)}"
        return Broken(number, reason, raw)
    given = zip(header.columns, cells, strict=True)
    values = {column: _value(column, cell) for column, cell in given if cell}
    return Taken(Row(number, values), raw)


def _value(column: str, cell: str) -> object:
    if column == "version" and cell.isascii() and cell.isdigit() and len(cell) < 20:  # noqa: PLR2004
        return int(cell)
    if column not in _LISTS:
        return cell
    if not cell.lstrip().startswith("["):
        return cell.split()
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return cell  # which the rules then refuse, with the reason


def _texts(source: "_Source", record: list[Line]) -> Iterator[str]:
    for line in source.raw():
        record.append(line)
        if line.cut:
            raise _UnreadableError(f"line {line.number} is too long")
        try:
            text = line.data.decode("utf-8")
        except UnicodeDecodeError:
            raise _UnreadableError(f"line {line.number} is not UTF-8") from None
        yield text + line.end


class _Source:
    """Lines that can be put back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines(stream)
        self._returned: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        """Those that are not empty: between two rows an empty line means nothing."""
        return (line for line in self.raw() if line.data.strip())

    def raw(self) -> Iterator[Line]:
        """All of them; within quotes an empty line is part of a value."""
        while True:
            line = self._returned.popleft() if self._returned else next(self._lines, None)
            if line is None:
                return
            yield line

    def back(self, *given: Line) -> None:
        """Have these come next."""
        self._returned.extendleft(reversed(given))


class CsvWriter:
    """Turns profiles into rows; lists are JSON in their cell."""

    header = (",".join(COLUMNS) + "\r\n").encode()

    def __init__(self, media: str) -> None:
        self._media = media

    def encode(self, profiles: Sequence[Profile]) -> bytes:
        """The rows of some profiles."""
        text = io.StringIO()
        bodies = (ProfileBody.of(profile, self._media) for profile in profiles)
        csv.writer(text).writerows(map(_cells, bodies))
        return text.getvalue().encode()


def _cells(body: ProfileBody) -> list[object]:
    values = msgspec.to_builtins(body)
    return [
        ENCODER.encode(values[column]).decode() if column in _LISTS else values[column]
        for column in COLUMNS
    ]
