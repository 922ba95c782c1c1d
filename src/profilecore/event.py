"""What a write is, before and after it is in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from profilecore.errors import Conflict, ProfilecoreError
from profilecore.image import Image
from profilecore.order import Order
from profilecore.profile import Profile
from profilecore.receipt import Mark, Refused

_ERA_BITS: Final = 40
_NOTHING: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("name", "email", "bio"), ""),
    "image_urls": (),
    "owner": None,
}


class EventType(StrEnum):
    """What happened to a profile."""

    CREATED = "profile.created"
    UPDATED = "profile.updated"
    DELETED = "profile.deleted"
    RESTORED = "profile.restored"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the change log.

    `position` counts up in the order in which writes became visible; it may leave gaps. `data`
    holds all of the profile after the write as JSON has it; it is empty for a deletion, and after
    the values were purged.
    """

    position: int
    profile_id: UUID
    type: EventType
    version: int
    data: Mapping[str, Any]
    at: datetime
    actor: str | None

    def profile(self) -> Profile | None:
        """The profile as it was after the write; None where that was purged.

        Of a tombstone only id, version and time are known. `updated_at` is the time of the event.
        """
        deleted = self.type is EventType.DELETED
        if not self.data and not deleted:
            return None
        data: Mapping[str, Any] = _NOTHING if deleted else self.data
        fields = {name: data[name] for name in ("name", "email", "bio", "owner")}
        return Profile.stored(
            **fields,
            id=self.profile_id,
            image_urls=tuple(data["image_urls"]),
            images=tuple(map(Image.of_data, data.get("image_details", ()))),
            version=self.version,
            created_at=datetime.fromisoformat(data["created_at"]) if not deleted else self.at,
            updated_at=self.at,
            deleted_at=self.at if deleted else None,
        )


def era(position: int) -> int:
    """The life of the log that a position is from, counted from 0.

    A log that may have lost its end, as by a fail-over to a replica that lagged, goes on in the
    next era, with greater positions: none is used twice, and what was known of the lost end shows.
    """
    return position >> _ERA_BITS


@dataclass(frozen=True, slots=True)
class Change:
    """A write to be made: the profile as it shall be, and the version that it replaces.

    `replaces` is 0 for a profile that must not be there yet. `actor` is the subject who asked
    for it, None where nobody was authenticated. `at` is when it happened, None for the profile's
    `updated_at`; the two differ where a profile comes from elsewhere with its times. `orders` are
    tasks that are there once the change is, and not without it; they are due at once.
    """

    type: EventType
    profile: Profile
    replaces: int
    actor: str | None = None
    at: datetime | None = None
    orders: tuple[Order, ...] = ()

    def __post_init__(self) -> None:
        if any(order.delay or order.run_at for order in self.orders):
            raise ValueError("What is ordered with a change is due at once.")

    def refusal(self, stored: int | None, *, email_taken: bool) -> Conflict | None:
        """Why a store must not write it; None where it may.

        `stored` is the version that is there, None without a row; `email_taken` says whether
        another living profile has the email key.
        """
        taken = email_taken and self.profile.deleted_at is None
        code = reason(self.replaces, stored, email_taken=taken)
        return None if code is None else self._refused(code, stored).error()

    @property
    def image_gone(self) -> Conflict:
        """The refusal of one that begins to use an image that may be removed."""
        return self._refused("image_gone", None).error()

    def mark(self, outcome: Event | ProfilecoreError) -> Mark:
        """What is kept of what became of it."""
        if isinstance(outcome, Event):
            return outcome.position
        return self._refused(outcome.code, getattr(outcome, "version", None))

    def event(self, position: int) -> Event:
        """What the log holds once this change has been written at `position`."""
        profile = self.profile
        data: dict[str, Any] = {}
        if self.type is not EventType.DELETED:
            data = {**profile.values(), "image_urls": list(profile.image_urls)}
            data["images"] = [image.id for image in profile.images]
            if profile.images:
                data["image_details"] = [image.data() for image in profile.images]
            created_at = profile.created_at.astimezone(UTC)
            data["created_at"] = created_at.isoformat().replace("+00:00", "Z")
        at = self.at or profile.updated_at
        return Event(position, profile.id, self.type, profile.version, data, at, self.actor)

    def _refused(self, code: str, stored: int | None) -> Refused:
        return Refused(code, self.profile.id, self.replaces, stored)


def reason(replaces: int, stored: int | None, *, email_taken: bool) -> str | None:
    """The code with which a change of what is `stored` has to be refused; None where it has not."""
    if stored is not None and replaces == 0:
        return "id_taken"
    if (stored or 0) != replaces:
        return "stale_version"
    return "email_taken" if email_taken else None
