"""How receipts are written down, the same in every adapter."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from profilecore.adapters.codec import Garbled
from profilecore.receipt import Kept, Mark, Refused


class _Refused(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    code: str
    profile_id: UUID
    replaces: int
    stored: int | None


_in: Final = msgspec.json.Decoder(list[int | _Refused])
_out: Final = msgspec.json.Encoder()


def encode_marks(marks: Sequence[Mark]) -> str:
    """A position for each change that was written, and a list for one that was refused."""
    return _out.encode([_written_down(mark) for mark in marks]).decode()


def kept_of(fingerprint: bytes, note: str, marks: str | bytes) -> Kept:
    """What a store has kept. Raises Garbled where that cannot be read."""
    try:
        return Kept(fingerprint, note, tuple(map(_read, _in.decode(marks))))
    except ValueError as error:
        raise Garbled("A receipt in the database cannot be read.") from error


def _written_down(mark: Mark) -> int | _Refused:
    if isinstance(mark, int):
        return mark
    return _Refused(mark.code, mark.profile_id, mark.replaces, mark.stored)


def _read(mark: int | _Refused) -> Mark:
    if isinstance(mark, int):
        return mark
    return Refused(mark.code, mark.profile_id, mark.replaces, mark.stored)
