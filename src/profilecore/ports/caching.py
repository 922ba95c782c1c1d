"""Copies of profiles, and what keeps them true where several processes share them."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from profilecore.event import Event
from profilecore.profile import Entry


class Cache(Protocol):
    """Copies of profiles, by version. May forget anything at any time, but a tombstone's floor.

    That there is none is known by version too, as an Absence, for 10 s. All that is said of a copy
    holds for it, but that it never takes the room of a profile.

    For each id there is a floor: the greatest version put or dropped. It is remembered at least
    as long as a read may be under way (10 s), also when the profile itself was evicted.
    """

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        """Give the copies that are there, in one call; a miss is normal, and left out."""
        ...

    async def put(self, entry: Entry) -> None:
        """Keep a living profile or an absence, unless its version is below the floor.

        It takes the place of what is there. May be repeated.
        """
        ...

    async def drop(self, profile_id: UUID, version: int) -> None:
        """Forget any copy older than `version` and raise the floor to it. May be repeated.

        A copy that has `version` already stays. To take a deleted profile out, give the
        tombstone's version.
        """
        ...

    async def clear(self) -> None:
        """Forget every copy. Floors stay, or no copy is taken before a new beginning."""
        ...


class Repairs(Protocol):
    """How far the change log was applied to a cache that several processes share.

    The position is kept where the copies are, and whatever happens to that place happens to both:
    it never says more than was applied to the copies that are there.
    """

    async def position(self) -> int | None:
        """Give the position up to which the log was applied; None in a place that is new."""
        ...

    async def apply(self, after: int, events: Sequence[Event]) -> int | None:
        """Offer all that the log has after position `after`, up to the last of `events`.

        In one step with moving the position, drop what each event changed; nothing happens where
        the position is not in [`after`, last event). Gives the position as it is then. May be
        repeated, and by several at once.
        """
        ...

    async def begin(self, position: int, replaces: int | None) -> None:
        """Forget everything and begin at `position`, unless the position is not `replaces`."""
        ...


class SharedCache(Cache, Repairs, Protocol):
    """A cache that several processes share.

    A place without a position gives and takes no copies.
    """
