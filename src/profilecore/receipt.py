"""What is kept of a write, so that whoever asks for it again gets the same answer, and no more."""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Self, TypeAlias
from uuid import UUID

from profilecore.errors import Conflict, Invalid

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Goes with a write, and is kept in its transaction for as long as it `lasts`.

    `key` says whose it is and what for, `fingerprint` what was asked. `note` is what the writer
    has to find again, `request_id` of whom its answer speaks. It holds no data of a person. What
    has changed nothing is not kept, unless `always`.
    """

    key: bytes
    fingerprint: bytes
    lasts: timedelta = KEPT
    request_id: str = ""
    note: str = ""
    always: bool = False

    @classmethod
    def of(
        cls,
        caller: str,
        route: str,
        key: str,
        *asked: bytes,
        lasts: timedelta = KEPT,
        request_id: str = "",
    ) -> Self:
        """For the key that a caller gave with a request for `asked`.

        The fingerprint is salted with the key, which is not kept: nobody can guess from it what
        was asked.
        """
        words = [word.encode() for word in (caller, route, key)]
        fingerprint = _digest(words[2], *asked)
        return cls(key=_digest(*words), fingerprint=fingerprint, lasts=lasts, request_id=request_id)

    def over(self, more: bytes) -> Self:
        """For a request that asks for `more` beside."""
        return replace(self, fingerprint=_digest(self.fingerprint, more))

    def noting(self, note: str) -> Self:
        """With something that the writer has to find again."""
        return replace(self, note=note)

    def numbered(self, number: int) -> Self:
        """That of another write for the same request: 0 is the first.

        The others are kept `always`: something was changed by then, so that all has to be told.
        """
        if number == 0:
            return self
        return replace(self, key=_digest(self.key, str(number).encode()), always=True)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a change was not written; `stored` is the version that was there, None without a row."""

    code: str
    profile_id: UUID
    replaces: int
    stored: int | None

    def error(self) -> Conflict:
        """What the caller is told, the same whenever it is."""
        if self.code == "id_taken":
            detail = f"There is a profile {self.profile_id} already."
            return Conflict(detail, code=self.code)
        if self.code == "email_taken":
            return Conflict("Another profile has this email.", code=self.code)
        if self.code == "image_gone":
            detail = "An image was removed before the profile had it: upload it again."
            return Conflict(detail, code=self.code)
        there = "not there" if self.stored is None else f"at version {self.stored}"
        detail = f"Profile {self.profile_id} is {there}, and not at version {self.replaces}."
        return Conflict(detail, code=self.code, version=self.stored)


Mark: TypeAlias = int | Refused
"""What became of a change: the position of its event, or why there is none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store has of a write: with it came the receipt, and `marks` of each of its changes."""

    fingerprint: bytes
    note: str
    marks: tuple[Mark, ...] = ()

    def must_match(self, receipt: Receipt) -> None:
        """Raise Invalid `key_reused` where something else is asked for now."""
        if self.fingerprint != receipt.fingerprint:
            detail = (
                "This Idempotency-Key was used with another request: send that one again, "
                "or give this one a key of its own."
            )
            raise Invalid(detail, code="key_reused")


class Repeated(Conflict):
    """This has been written before, and nothing is written now."""

    code = "repeated"

    def __init__(self, kept: Kept) -> None:
        super().__init__("This was written before.")
        self.kept = kept


def _digest(*parts: bytes) -> bytes:
    """One hash of several parts, wherever one ends and the next begins."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
