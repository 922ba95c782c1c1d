"""Bringing in profiles from elsewhere: many rows, some of them broken, safe to run again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from profilecore import rules
from profilecore.errors import Conflict, FieldError, Invalid, ProfilecoreError
from profilecore.event import Change, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Query
from profilecore.profile import Profile
from profilecore.service import ProfileService, now

_VERSION_MAX = 2**31 - 1
_IGNORED = frozenset({"images"})  # uploads do not travel with a profile's row


class OnConflict(StrEnum):
    """What to do with a row whose id or email is there already."""

    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read; `number` is where it stands in its file, from 1."""

    number: int
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken, and why."""

    row: Row
    reason: str


@dataclass(slots=True)
class Tally:
    """How many rows met which end, and how many were created without the images that they name."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    imageless: int = 0


class Importer:
    """Takes rows in chunks, one durable transaction each.

    A row holds what an export wrote: the writable fields and, if given, `id`, `owner`, `version`,
    `created_at` and `updated_at`, which are kept. Where a run was cut short, running it again
    skips what is there, since a row's id or email is then taken.
    """

    def __init__(self, service: ProfileService, on_conflict: OnConflict) -> None:
        self._service = service
        self._on_conflict = on_conflict
        self.tally = Tally()

    async def take(self, rows: Sequence[Row]) -> list[Reject]:
        """Store one chunk; give the rows that were refused.

        With `OnConflict.FAIL` a row that is there already raises Conflict that names the row, and
        nothing of its chunk is stored.
        """
        rows = [Row(row.number, _without_uploads(row.values)) for row in rows]
        changes: list[tuple[Row, Change]] = []
        refused: list[tuple[Row, ProfilecoreError]] = []
        for row in rows:
            try:
                changes.append((row, _creation(row.values)))
            except Invalid as invalid:
                refused.append((row, invalid))
        refused += await self._create(changes)
        if self._on_conflict is OnConflict.UPDATE:
            refused = await self._update(refused)
        rejects = [Reject(row, reason(error)) for row, error in refused]
        self.tally.rejected += len(rejects)
        return sorted(rejects, key=lambda reject: reject.row.number)

    async def _create(
        self, changes: Sequence[tuple[Row, Change]]
    ) -> list[tuple[Row, ProfilecoreError]]:
        failing = self._on_conflict is OnConflict.FAIL
        try:
            outcomes = await self._service.commit([c for _, c in changes], atomic=failing)
        except Conflict as conflict:
            if conflict.item is None:
                raise
            row = changes[conflict.item][0]
            raise Conflict(f"Row {row.number}: {conflict.detail}", code=conflict.code) from conflict
        refused: list[tuple[Row, ProfilecoreError]] = []
        for (row, _), outcome in zip(changes, outcomes, strict=True):
            if not isinstance(outcome, ProfilecoreError):
                self.tally.created += 1
                self.tally.imageless += bool(row.values.get("images"))
            elif self._on_conflict is OnConflict.SKIP:
                self.tally.skipped += 1
            else:
                refused.append((row, outcome))
        return refused

    async def _update(
        self, refused: Sequence[tuple[Row, ProfilecoreError]]
    ) -> list[tuple[Row, ProfilecoreError]]:
        # At once, so that the store can commit them together.
        errors = await asyncio.gather(*(self._update_one(row, error) for row, error in refused))
        return [(row, error) for (row, _), error in zip(refused, errors, strict=True) if error]

    async def _update_one(self, row: Row, cause: ProfilecoreError) -> ProfilecoreError | None:
        values = {f: v for f, v in row.values.items() if f in rules.WRITABLE}
        try:
            _no_unknown(row.values)
            profile = await self._existing(row.values)
            if profile is None:
                return cause
            if {**profile.values(), **rules.checked(values)} == profile.values():
                self.tally.skipped += 1
                return None
            await self._service.update(profile.id, values, expected=None, actor=None)
        except (Invalid, Conflict) as error:
            return error
        self.tally.updated += 1
        return None

    async def _existing(self, values: Mapping[str, object]) -> Profile | None:
        if values.get("id"):
            profile_id = _uuid("id", values["id"])
            found = (await self._service.stored([profile_id])).get(profile_id)
            if found is not None:
                if found.deleted_at is not None:
                    raise Conflict(f"Profile {profile_id} was deleted here.", code="id_taken")
                return found
        email = values.get("email")
        if not isinstance(email, str):
            return None
        page = await self._service.list(Query(limit=1, email=email.strip()))
        return page.profiles[0] if page.profiles else None


def reason(error: ProfilecoreError) -> str:
    """Why a row was refused, in one line."""
    if isinstance(error, Invalid) and error.errors:
        return "; ".join(f"{e.field} {e.message}" for e in error.errors)
    return error.detail


def _without_uploads(values: Mapping[str, object]) -> Mapping[str, object]:
    # What was uploaded does not travel with a row; its URLs are among the others, as reads show it.
    urls, images = values.get("image_urls"), values.get("images")
    if not images or not isinstance(urls, list) or not isinstance(images, list):
        return values
    uploaded = [image.get("url") for image in images if isinstance(image, dict)]
    return {**values, "image_urls": [url for url in urls if url not in uploaded]}


def _no_unknown(values: Mapping[str, object]) -> None:
    unknown = values.keys() - rules.WRITABLE - _META.keys() - _IGNORED
    if unknown:
        allowed = ", ".join((*rules.WRITABLE, *_META))
        errors = [FieldError(field, f"is unknown; allowed: {allowed}") for field in sorted(unknown)]
        raise Invalid("Unknown fields.", errors=errors)


def _creation(values: Mapping[str, object]) -> Change:
    _no_unknown(values)
    kept = rules.checked(
        {field: value for field, value in values.items() if field in rules.WRITABLE},
        required=("name", "email"),
    )
    given: dict[str, Any] = {
        field: _META[field](field, value)
        for field, value in values.items()
        if field in _META and value is not None
    }
    imported_at = now()
    at = given.get("created_at") or imported_at
    meta = {"id": new_id(), "created_at": at, "updated_at": at} | given
    profile = Profile.stored(
        **{"bio": "", "image_urls": (), "images": (), "owner": None, "version": 1}
        | {"deleted_at": None}
        | kept
        | meta
    )
    return Change(EventType.CREATED, profile, 0, at=imported_at)


def _uuid(field: str, value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else UUID(int=-1)
    except ValueError as error:
        raise Invalid.field(field, "must be a UUID") from error


def _time(field: str, value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: in UTC it is before year 1 or after 9999
        pass
    raise Invalid.field(field, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z")


def _version(field: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= _VERSION_MAX:
        raise Invalid.field(field, f"must be a whole number from 1 to {_VERSION_MAX}")
    return value


_META = {
    "id": _uuid,
    "version": _version,
    "created_at": _time,
    "updated_at": _time,
}
