"""A part of a file, as a Range header asks for it (RFC 9110 section 14)."""

import re
from typing import Final

_ONE: Final = re.compile(
    r"bytes=[ \t]*(?=\d|-\d)(\d{0,19})-(\d{0,19})[ \t]*", re.ASCII | re.IGNORECASE
)


class NotSatisfiable(Exception):
    """Nothing of what was asked for is in the file."""


def asked_part(header: str | None, size: int) -> range | None:
    """The bytes that are asked for; None for all of them.

    What makes no sense is as if it were not there, and so are several ranges at once.
    """
    found = _ONE.fullmatch(header or "")
    if not found:
        return None
    first, last = found.groups()
    if not first:
        part = range(max(0, size - int(last)), size)
    else:
        if last and int(last) < int(first):
            return None
        part = range(int(first), min(size, int(last) + 1) if last else size)
    if not part:
        raise NotSatisfiable
    return part
