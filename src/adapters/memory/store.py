"""Profiles and their log in dicts and lists. No verb awaits, so each is a transaction."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Final
from uuid import UUID

from profilecore.adapters.memory.receipts import MemoryReceipts
from profilecore.adapters.memory.tasks import MemoryTasks
from profilecore.errors import Conflict, NotFound, ProfilecoreError
from profilecore.event import Change, Event
from profilecore.paging import Page, Query
from profilecore.profile import Profile
from profilecore.receipt import Receipt

CONDEMNED: Final = ""
"""Who holds an image whose files are being removed."""


class MemoryStore:
    """What the ports on it share."""

    def __init__(self, receipts: MemoryReceipts | None = None) -> None:
        self.receipts = receipts or MemoryReceipts()
        self.rows: dict[UUID, Profile] = {}
        self.emails: dict[str, UUID] = {}
        self.events: list[Event] = []
        self.trimmed = 0
        self.uses = Counter[str]()
        self.holds: dict[str, dict[str, float]] = {}

    @property
    def newest(self) -> int:
        """The position of the newest event."""
        return self.events[-1].position if self.events else 0

    def stays(self, image_id: str) -> bool:
        """Whether a profile may use an image: one does already, or somebody holds it."""
        return self.uses[image_id] > 0 or bool(self.holds.get(image_id, {}).keys() - {CONDEMNED})

    def set_row(self, profile_id: UUID, profile: Profile | None) -> None:
        """Store a profile, or none, and keep the index of living emails."""
        before = self.rows.pop(profile_id, None)
        self.uses.subtract(image.id for image in (before.images if before else ()))
        self.uses.update(image.id for image in (profile.images if profile else ()))
        if before is not None and before.deleted_at is None:
            del self.emails[before.email_key]
        if profile is not None:
            self.rows[profile_id] = profile
            if profile.deleted_at is None:
                self.emails[profile.email_key] = profile_id


class MemoryProfiles:
    """The Profiles port on a MemoryStore; what is ordered with a change goes to `tasks`."""

    def __init__(self, store: MemoryStore, tasks: MemoryTasks | None = None) -> None:
        self._store = store
        self._tasks = tasks or MemoryTasks()

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        rows = self._store.rows
        return {profile_id: rows[profile_id] for profile_id in ids if profile_id in rows}

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        return query.page(self._store.rows.values())

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        repeated = self._store.receipts.repeated(receipt)
        if repeated is not None:
            raise repeated
        outcomes = self._write(changes, atomic)
        changed = any(isinstance(outcome, Event) for outcome in outcomes)
        if receipt is not None and (changed or receipt.always):
            marks = [c.mark(o) for c, o in zip(changes, outcomes, strict=True)]
            self._store.receipts.keep(receipt, marks)
        return outcomes

    def _write(self, changes: Sequence[Change], atomic: bool) -> Sequence[Event | ProfilecoreError]:
        store, undo = self._store, list[tuple[UUID, Profile | None]]()
        outcomes: list[Event | ProfilecoreError] = []
        for index, change in enumerate(changes):
            refusal = self._refusal(change)
            if refusal is None:
                undo.append((change.profile.id, store.rows.get(change.profile.id)))
                store.set_row(change.profile.id, change.profile)
                store.events.append(change.event(store.newest + 1))
                outcomes.append(store.events[-1])
            elif atomic:
                for profile_id, before in reversed(undo):
                    store.set_row(profile_id, before)
                    store.events.pop()
                refusal.item = index
                raise refusal
            else:
                outcomes.append(refusal)
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, Event):
                self._tasks.keep(change.orders)
        return outcomes

    async def purge(self, deleted_before: datetime) -> int:
        rows = self._store.rows
        return self._forget({i for i, p in rows.items() if _is_old(p, deleted_before)})

    async def erase(self, ids: Collection[UUID]) -> int:
        rows = self._store.rows
        return self._forget({i for i in ids if i not in rows or rows[i].deleted_at})

    def _forget(self, gone: set[UUID]) -> int:
        store = self._store
        there = gone & store.rows.keys()
        said = [event for event in store.events if event.profile_id in gone]
        owned = {(event.profile_id, event.data.get("owner")) for event in said}
        owned |= {(profile_id, store.rows[profile_id].owner) for profile_id in there}
        for profile_id in there:
            store.set_row(profile_id, None)
        store.events[:] = [
            _bare(event, owned) if event.profile_id in gone else event for event in store.events
        ]
        return len(there)

    def _refusal(self, change: Change) -> Conflict | None:
        profile, store = change.profile, self._store
        stored = store.rows.get(profile.id)
        holder = store.emails.get(profile.email_key, profile.id)
        version = None if stored is None else stored.version
        refusal = change.refusal(version, email_taken=holder != profile.id)
        if refusal is None and not all(store.stays(image.id) for image in profile.images):
            return change.image_gone
        return refusal


def _bare(event: Event, owned: Collection[tuple[UUID, str | None]]) -> Event:
    actor = None if (event.profile_id, event.actor) in owned else event.actor
    return replace(event, data={}, actor=actor)


def _is_old(profile: Profile, deleted_before: datetime) -> bool:
    return profile.deleted_at is not None and profile.deleted_at < deleted_before


class MemoryLog:
    """The Log port on a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        if not self._store.trimmed <= after <= self._store.newest:
            raise NotFound(f"The log does not go on from {after}.", code="position_gone")
        events = self._store.events
        start = bisect_right(events, after, key=lambda event: event.position)
        return events[start : start + limit]

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        found = (
            event
            for event in reversed(self._store.events)
            if event.profile_id == profile_id and (before is None or event.position < before)
        )
        return list(islice(found, limit))

    async def get(self, positions: Collection[int]) -> dict[int, Event]:
        wanted = set(positions)
        return {e.position: e for e in self._store.events if e.position in wanted}

    async def position(self) -> int:
        return self._store.newest

    async def trim(self, older_than: datetime) -> int:
        store = self._store
        old = list(takewhile(lambda event: event.at < older_than, store.events[:-1]))
        if old:
            store.trimmed = old[-1].position
            del store.events[: len(old)]
        return len(old)
