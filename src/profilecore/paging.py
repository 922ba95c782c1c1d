"""Lists: what to ask for, and a place in one that stays valid while rows come and go."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from profilecore import rules
from profilecore.errors import Invalid
from profilecore.profile import Profile

LIMIT_MAX = 1_000
IDS_MAX = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Sort(StrEnum):
    """The orders a list can have; ties are broken by id in the same direction."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    LAST_UPDATED = "-updated_at"
    FIRST_UPDATED = "updated_at"
    NAME = "name"

    @property
    def field(self) -> str:
        """The profile's field that the order is made of."""
        return self.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.startswith("-")

    def place(self, profile: Profile) -> tuple[int | str, UUID]:
        """What this order compares: a time in microseconds or the folded name, then the id."""
        if self is Sort.NAME:
            return profile.name_key, profile.id
        return microseconds(getattr(profile, self.field)), profile.id


class Count(StrEnum):
    """How the total of a list is counted."""

    NONE = "none"
    ESTIMATED = "estimated"
    EXACT = "exact"


def microseconds(at: datetime) -> int:
    """An aware time as whole microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def moment(since_epoch: int) -> datetime:
    """The inverse of `microseconds`."""
    return _EPOCH + since_epoch * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after one row of a sorted list (keyset paging).

    `key` is microseconds since 1970 for a time, the folded name for a name.
    """

    sort: Sort
    key: int | str
    id: UUID

    @classmethod
    def after(cls, profile: Profile, sort: Sort) -> Self:
        """The place right after `profile`."""
        return cls(sort, *sort.place(profile))

    def encode(self) -> str:
        """An opaque text that is safe in a URL."""
        text = json.dumps([self.sort, self.key, self.id.hex], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, sort: Sort) -> Self:
        """Read what `encode` wrote. Raises Invalid (`malformed`) for anything else."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            made_for, key, hex_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
            cursor = cls(Sort(made_for), _storable(key), UUID(hex=hex_id))
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise _bad_cursor("is not one that this service gave out") from error
        if cursor.sort is not sort:
            raise _bad_cursor(f"was made for sort={cursor.sort}, not for sort={sort}")
        if type(key) is not (str if sort is Sort.NAME else int) or cursor.encode() != text:
            raise _bad_cursor("is not one that this service gave out")
        return cursor


def _storable(key: int | str) -> int | str:
    """Refuse, as a ValueError, a key that no store can compare with."""
    if isinstance(key, str):
        key.encode()  # a lone surrogate has no UTF-8 form
    else:
        key.to_bytes(8, signed=True)
    return key


def _bad_cursor(why: str) -> Invalid:
    detail = f"The cursor {why}; take it from the Link header of a page, or leave it out."
    return Invalid(detail, code="malformed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which profiles to list; filters are combined with "and".

    `email` is compared without regard to case, `q` is looked for anywhere in name or email,
    without regard to case, `owner` as it is. Deleted profiles are never listed. `page` says what
    every store has to answer. Raises Invalid for a text that no store can compare with.
    """

    limit: int = 100
    sort: Sort = Sort.NEWEST
    after: Cursor | None = None
    ids: frozenset[UUID] | None = None
    email: str | None = None
    q: str | None = None
    owner: str | None = None
    count: Count = Count.NONE

    def __post_init__(self) -> None:
        for field in ("email", "q", "owner"):
            try:
                (getattr(self, field) or "").encode()
            except UnicodeEncodeError as error:
                raise Invalid.field(field, "must be text that has a UTF-8 form") from error

    @property
    def email_key(self) -> str | None:
        """The key of `email`; None where it has none, and so matches nothing."""
        try:
            return None if self.email is None else rules.email_key(self.email)
        except UnicodeError:
            return None

    @property
    def needles(self) -> tuple[str, str]:
        """What `q` looks for: in the key of a name, or else in the key of an email."""
        q = self.q or ""
        try:
            return rules.fold(q), rules.email_key(q) if "@" in q else q.lower()
        except UnicodeError:
            return rules.fold(q), q.lower()

    def matches(self, profile: Profile) -> bool:
        """Whether the filters let a profile through."""
        if profile.deleted_at is not None or (self.ids is not None and profile.id not in self.ids):
            return False
        if self.email is not None and self.email_key != profile.email_key:
            return False
        if self.owner is not None and self.owner != profile.owner:
            return False
        in_name, in_email = self.needles
        return in_name in profile.name_key or in_email in profile.email_key

    def page(self, profiles: Iterable[Profile]) -> "Page":
        """The answer, where `profiles` are all that there are."""
        place, descending = self.sort.place, self.sort.descending
        found = sorted(filter(self.matches, profiles), key=place, reverse=descending)
        total = None if self.count is Count.NONE else len(found)
        if self.after is not None:
            at = (self.after.key, self.after.id)
            found = [p for p in found if (place(p) < at if descending else place(p) > at)]
        return Page.cut(found, self, total)


@dataclass(frozen=True, slots=True)
class Page:
    """Some profiles in order; `next` is None on the last page, `total` where not asked for."""

    profiles: tuple[Profile, ...]
    next: Cursor | None = None
    total: int | None = None

    @classmethod
    def cut(cls, found: Sequence[Profile], query: Query, total: int | None) -> Self:
        """The page that starts `found`, which goes on beyond the limit where there is more."""
        profiles = tuple(found[: query.limit])
        more = len(found) > query.limit
        return cls(profiles, Cursor.after(profiles[-1], query.sort) if more else None, total)
