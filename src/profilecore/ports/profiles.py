"""Where profiles and the log of their changes are kept."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.profile import Profile
from profilecore.receipt import Receipt


class Profiles(Protocol):
    """The profiles that there are: the truth."""

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        """Read any number of profiles in one round trip.

        What is not there is left out. A deleted profile is there, with `deleted_at` set, until it
        is purged: the caller decides what a tombstone means. Sees every write that was answered;
        given `at_least`, only those up to that position of the log, so that a replica will do.
        """
        ...

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        """Read one page, without the deleted ones; `at_least` is as in `get`.

        Rows that are there during a whole walk through the pages come exactly once, whatever is
        added and removed meanwhile (for a sort by a field that the walk's writers do not change).
        """
        ...

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        """Store each profile and append its event to the log, in one durable transaction.

        Changes take effect in order. One is refused with Conflict `stale_version` where the
        stored version is not `replaces` (carrying the stored one; None where there is no row),
        `id_taken` where `replaces` is 0 and the id is there, `email_taken` where the profile is
        alive and another living one has its email key, `image_gone` where it begins to use an
        image that may be removed (see Holds). The tasks that a change orders are added with it.
        The answer holds, in order, the event or the refusal of each. With `atomic` the first
        refusal is raised, `item` set to its index, and nothing was written. Not to be repeated
        blindly after Unavailable: read first, or give a receipt.

        A `receipt` is kept in the same transaction, if a change was written, or `always`. Where its
        key is kept and has not ended, Repeated is raised with what there is, and nothing is looked
        at or written: so that a write of no changes looks whether there is one. The store's clock
        decides when it ends.
        """
        ...

    async def purge(self, deleted_before: datetime) -> int:
        """Remove the tombstones older than that for good; give their number.

        Their rows go, and the data of their events; the events stay without it. What a profile's
        owner did to it is then nobody's: `actor` is None. May be repeated.
        """
        ...

    async def erase(self, ids: Collection[UUID]) -> int:
        """Remove those tombstones for good, whatever their age; give their number.

        As `purge` does; the data of events goes also where the row has gone before. A profile
        that is alive stays, so that each end of one is in the log. May be repeated.
        """
        ...


class Receipts(Protocol):
    """What is kept of writes, for those who ask for one again."""

    async def purge(self) -> int:
        """Forget those that have ended; give their number. May be repeated."""
        ...


class Log(Protocol):
    """The change log: what `Profiles.write` appended, in order of position."""

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        """Give at most `limit` events with a position greater than `after`, oldest first.

        A position once passed is never filled later. Raises NotFound `position_gone` where events
        after it have been trimmed, and where `after` is not of this log: beyond its end, or of
        an end that it lost (see `era`).
        """
        ...

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        """Give at most `limit` events of one profile, newest first, below position `before`.

        From the newest where `before` is None; empty where there is none.
        """
        ...

    async def get(self, positions: Collection[int]) -> dict[int, Event]:
        """Read any number of events; what is not there, or was trimmed, is left out.

        Sees every write that was answered.
        """
        ...

    async def position(self) -> int:
        """Give the position of the newest event, 0 in an empty log."""
        ...

    async def trim(self, older_than: datetime) -> int:
        """Forget the oldest events, up to the first that is not before that time.

        Gives their number. The newest event is always kept, so that `position` never goes back.
        May be repeated.
        """
        ...
