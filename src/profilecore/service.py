"""The use cases of profiles: what a caller can do, whatever stands behind the ports."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self, TypeVar
from uuid import UUID

from profilecore.errors import Conflict, NotFound, ProfilecoreError
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.once import Once
from profilecore.paging import LIMIT_MAX, Page, Query, Sort
from profilecore.ports import Cache, Log, Profiles
from profilecore.profile import Absence, Profile
from profilecore.receipt import Receipt
from profilecore.refusals import Expected, kept_changing, living, matches, must_match, not_found
from profilecore.written import Written, given

T = TypeVar("T")

REREADS: Final = 8
TOMBSTONES_KEPT: Final = timedelta(days=30)


class Source(StrEnum):
    """Where a read was answered from."""

    CACHE = "cache"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Reading:
    """A profile, and where it came from."""

    profile: Profile
    source: Source


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class ProfileService:
    """Create, read, list, change, remove and restore profiles.

    Every write gives the state that was stored. `expected` is the version that the caller saw:
    where another is stored, Conflict `stale_version` says which; with None the write applies to
    whatever is there. A write with a `receipt` is made once, and gives the same whenever it is
    asked for. `actor` is the authenticated subject, None without one. A caller that is
    cancelled after its write began does not undo it. `announce` is called after each write.

    A read sees the writes up to position `seen` of the log, and those that this process knows of.
    `known` tells how far it does; None where nothing follows the log, or cannot.
    """

    def __init__(
        self,
        profiles: Profiles,
        log: Log,
        cache: Cache,
        *,
        clock: Callable[[], datetime] = now,
        tombstones_kept: timedelta = TOMBSTONES_KEPT,
        announce: Callable[[], None] = lambda: None,
        known: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.once = Once(profiles, log)
        self._profiles = profiles
        self._log = log
        self._cache = cache
        self._clock = clock
        self._tombstones_kept = tombstones_kept
        self._announce = announce
        self._known = known
        self._under_way: set[asyncio.Task[Any]] = set()
        self._owner: str | None = None

    def within(self, owner: str) -> Self:
        """This service as somebody has it whose own profiles are all there are for them."""
        view = copy(self)
        view._owner = owner
        return view

    async def create(
        self, values: Mapping[str, object], *, actor: str | None, receipt: Receipt | None = None
    ) -> Written:
        """Make a profile from `name`, `email` and, if given, `bio`, `image_urls` and `owner`.

        Without an owner it is that of who made it.
        """
        change = self.creation(values, actor=actor)
        return await self.once.written(receipt, self._commit_one(change, receipt))

    async def read(self, profile_id: UUID, *, seen: int = 0) -> Reading:
        """One profile, from the cache if that will do. NotFound if there is none."""
        known = self._known()
        if seen <= (known or 0):
            cached = (await self._cache.get([profile_id])).get(profile_id)
            if isinstance(cached, Absence):
                raise not_found(profile_id)
            if cached is not None:
                return Reading(self._admitted(cached), Source.CACHE)
        at_least = None if known is None else max(known, seen)
        stored = (await self._profiles.get([profile_id], at_least=at_least)).get(profile_id)
        if stored is None or stored.deleted_at is not None:
            await self._cache.put(Absence(profile_id, stored.version if stored else 0))
            raise not_found(profile_id)
        await self._cache.put(stored)
        return Reading(self._admitted(stored), Source.DATABASE)

    async def list(self, query: Query, *, seen: int = 0) -> Page:
        """One page of living profiles."""
        if self._owner is not None:
            query = replace(query, owner=self._owner)
        return await self._profiles.list(query, at_least=self._at_least(seen))

    async def update(
        self,
        profile_id: UUID,
        values: Mapping[str, object],
        *,
        expected: Expected,
        actor: str | None,
    ) -> Written:
        """Change the fields given, keep the others."""
        return await self.rewrite(
            profile_id, lambda profile: self.revision(profile, values, actor=actor), expected
        )

    async def remove(self, profile_id: UUID, *, expected: Expected, actor: str | None) -> Written:
        """Delete a profile; a tombstone stays, from which it can be restored."""
        return await self.rewrite(
            profile_id, lambda profile: self.removal(profile, actor=actor), expected
        )

    async def restore(
        self,
        profile_id: UUID,
        *,
        expected: Expected,
        actor: str | None,
        receipt: Receipt | None = None,
    ) -> Written:
        """Bring a deleted profile back as it was, while its tombstone is kept."""
        return await self.once.written(receipt, self._restore(profile_id, expected, actor, receipt))

    async def history(self, profile_id: UUID, *, before: int | None, limit: int) -> Sequence[Event]:
        """The events of one profile, newest first; NotFound if there never was one."""
        if self._owner is not None and profile_id not in await self.stored([profile_id]):
            raise not_found(profile_id)
        events = await self._log.history(profile_id, before, limit)
        if not events and profile_id not in await self.stored([profile_id]):
            raise not_found(profile_id)
        return events

    async def export(self) -> AsyncIterator[Sequence[Profile]]:
        """All living profiles, oldest first, a page at a time, in constant memory."""
        query = Query(limit=LIMIT_MAX, sort=Sort.OLDEST)
        while True:
            page = await self.list(query)
            yield page.profiles
            if page.next is None:
                return
            query = replace(query, after=page.next)

    async def stored(self, ids: Collection[UUID]) -> dict[UUID, Profile]:
        """What the store holds for each id, tombstones included: what a write is decided on."""
        found = await self._profiles.get(ids)
        return {profile_id: profile for profile_id, profile in found.items() if self._may(profile)}

    def creation(self, values: Mapping[str, object], *, actor: str | None) -> Change:
        """The change that makes a profile. Raises Invalid."""
        profile = Profile.created(values, id=new_id(), owner=actor, at=self._clock())
        return Change(EventType.CREATED, profile, 0, actor)

    def revision(
        self, profile: Profile, values: Mapping[str, object], *, actor: str | None
    ) -> Change:
        """The change that gives a profile other values. Raises Invalid."""
        revised = profile.revised(values, at=self._clock())
        return Change(EventType.UPDATED, revised, profile.version, actor)

    def removal(self, profile: Profile, *, actor: str | None) -> Change:
        """The change that makes a profile a tombstone."""
        return Change(EventType.DELETED, profile.removed(at=self._clock()), profile.version, actor)

    async def commit(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Written | ProfilecoreError]:
        """Write changes as `Profiles.write` does, and bring the cache up to date."""
        return await self._to_the_end(self._store(changes, atomic, receipt))

    def _may(self, profile: Profile) -> bool:
        return self._owner is None or profile.owner == self._owner

    def _admitted(self, profile: Profile) -> Profile:
        if not self._may(profile):
            raise not_found(profile.id)
        return profile

    def _at_least(self, seen: int) -> int | None:
        known = self._known()
        return None if known is None else max(known, seen)

    async def rewrite(
        self,
        profile_id: UUID,
        step: Callable[[Profile], Change],
        expected: Expected,
        receipt: Receipt | None = None,
    ) -> Written:
        """Write the change that `step` makes of the living profile, made again if need be.

        Raises NotFound, Conflict, Repeated where it was written before, and what `step` raises.
        """
        for round_ in range(REREADS):
            cached = round_ == 0
            profile = await self._basis(profile_id, expected, cached=cached)
            try:
                change = step(profile)
            except (NotFound, Conflict):
                if not cached:  # of a copy nobody knows that the store has it so too
                    raise
                continue
            try:
                return await self._commit_one(change, receipt)
            except Conflict as conflict:
                if conflict.code != "stale_version":
                    raise
        raise kept_changing(profile_id)

    async def _basis(self, profile_id: UUID, expected: Expected, *, cached: bool) -> Profile:
        # A copy in the cache will do to decide on: the store refuses what it does not replace.
        if cached:
            cached_ = (await self._cache.get([profile_id])).get(profile_id)
            if isinstance(cached_, Profile) and matches(cached_.version, expected):
                return self._admitted(cached_)
        profile = living(await self.stored([profile_id]), profile_id)
        must_match(profile, expected)
        return profile

    async def _restore(
        self, profile_id: UUID, expected: Expected, actor: str | None, receipt: Receipt | None
    ) -> Written:
        tombstone = (await self.stored([profile_id])).get(profile_id)
        at = self._clock()
        if tombstone is None or (tombstone.deleted_at or at) + self._tombstones_kept < at:
            raise not_found(profile_id)
        must_match(tombstone, expected)
        alive = tombstone.restored(at=at)
        change = Change(EventType.RESTORED, alive, tombstone.version, actor)
        return await self._commit_one(change, receipt)

    async def _commit_one(self, change: Change, receipt: Receipt | None = None) -> Written:
        (outcome,) = await self.commit([change], atomic=False, receipt=receipt)
        return given(outcome)

    async def _store(
        self, changes: Sequence[Change], atomic: bool, receipt: Receipt | None
    ) -> Sequence[Written | ProfilecoreError]:
        outcomes = await self._profiles.write(changes, atomic=atomic, receipt=receipt)
        # All at once: a slow cache costs a batch as much as one write.
        pairs = zip(changes, outcomes, strict=True)
        await asyncio.gather(*(self._refresh(c) for c, o in pairs if isinstance(o, Event)))
        self._announce()
        return [
            Written(change.profile, outcome.position) if isinstance(outcome, Event) else outcome
            for change, outcome in zip(changes, outcomes, strict=True)
        ]

    async def _refresh(self, change: Change) -> None:
        if change.type is EventType.DELETED:
            await self._cache.drop(change.profile.id, change.profile.version)
        else:
            await self._cache.put(change.profile)

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        # A commit that is cancelled is unknown, not undone; so it is never cancelled.
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)
