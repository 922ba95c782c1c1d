"""What the core needs from the outside. Written for those who implement it.

Every verb is a coroutine, never blocks the event loop, may be called by many tasks at once, and
returns within a bound that the adapter documents. Every verb may raise Unavailable, after which
a read had no effect and a write may or may not have had one. Opening, closing and pinging belong
to the adapter and to whoever made it, not to the port. tests/contracts holds the suite that an
adapter of each port passes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from profilecore.errors import ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.profile import Entry, Profile


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
        self, changes: Sequence[Change], *, atomic: bool
    ) -> Sequence[Event | ProfilecoreError]:
        """Store each profile and append its event to the log, in one durable transaction.

        Changes take effect in order. One is refused with Conflict `stale_version` where the
        stored version is not `replaces` (carrying the stored one; None where there is no row),
        `id_taken` where `replaces` is 0 and the id is there, `email_taken` where the profile is
        alive and another living one has its email key. The answer holds, in order, the event or
        the refusal of each. With `atomic` the first refusal is raised, `item` set to its index,
        and nothing was written. Not to be repeated blindly after Unavailable: read first.
        """
        ...

    async def purge(self, deleted_before: datetime) -> int:
        """Remove the tombstones older than that for good; give their number.

        Their rows go, and the data of their events; the events stay without it. May be repeated.
        """
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

    async def position(self) -> int:
        """Give the position of the newest event, 0 in an empty log."""
        ...

    async def trim(self, older_than: datetime) -> int:
        """Forget the oldest events, up to the first that is not before that time.

        Gives their number. The newest event is always kept, so that `position` never goes back.
        May be repeated.
        """
        ...


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


@dataclass(frozen=True, slots=True)
class Lease:
    """A task in the hands of one taker: it was delivered `delivery` times (1, 2, …) so far.

    `handle` means something to the adapter alone.
    """

    task_id: UUID
    delivery: int
    handle: object


class Queue(Protocol):
    """Ids of tasks that are due, at least once each. The tasks themselves are in their store."""

    async def put(self, task_id: UUID, priority: int) -> None:
        """Hand over one task; when this returns, it is kept. Higher priorities are taken first.

        Putting the same id again makes a second delivery.
        """
        ...

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - bounded in the adapter
        """Wait at most `timeout` seconds for a task; None where none came.

        Nobody else gets it until the lease is settled by one of the three verbs below, or its
        taker is lost.
        """
        ...

    async def ack(self, lease: Lease) -> None:
        """Done: it never comes back. A lease that is not held any more is ignored."""
        ...

    async def retry(self, lease: Lease) -> None:
        """Give it back: it is delivered again, with `delivery` + 1."""
        ...

    async def bury(self, lease: Lease) -> None:
        """Set it aside where an operator can find it; it is not delivered again."""
        ...
