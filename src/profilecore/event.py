"""What a write is, before and after it is in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from profilecore.errors import Conflict
from profilecore.order import Order
from profilecore.profile import Profile

_ERA_BITS: Final = 40


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
    holds the profile's values after the write as JSON has them; it is empty for a deletion, and
    after the values were purged.
    """

    position: int
    profile_id: UUID
    type: EventType
    version: int
    data: Mapping[str, Any]
    at: datetime
    actor: str | None


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
        profile = self.profile
        if stored is not None and self.replaces == 0:
            return Conflict(f"There is a profile {profile.id} already.", code="id_taken")
        if (stored or 0) != self.replaces:
            there = "not there" if stored is None else f"at version {stored}"
            detail = f"Profile {profile.id} is {there}, and not at version {self.replaces}."
            return Conflict(detail, code="stale_version", version=stored)
        if email_taken and profile.deleted_at is None:
            return Conflict("Another profile has this email.", code="email_taken")
        return None

    @property
    def image_gone(self) -> Conflict:
        """The refusal of one that begins to use an image that may be removed."""
        detail = "An image was removed before the profile had it: upload it again."
        return Conflict(detail, code="image_gone")

    def event(self, position: int) -> Event:
        """What the log holds once this change has been written at `position`."""
        profile = self.profile
        data: dict[str, Any] = {}
        if self.type is not EventType.DELETED:
            data = {**profile.values(), "image_urls": list(profile.image_urls)}
            data["images"] = [image.id for image in profile.images]
        at = self.at or profile.updated_at
        return Event(position, profile.id, self.type, profile.version, data, at, self.actor)
