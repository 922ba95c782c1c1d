"""Whether a cache says what the store says."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from profilecore.ports import Cache, Profiles
from profilecore.profile import Absence, Entry, Profile

PAUSE: Final = 1.0  # seconds within which every process has to see a write


@dataclass(frozen=True, slots=True)
class Stale:
    """What is cached at `cached` is stored at `stored`; None where nothing is."""

    id: UUID
    cached: int
    stored: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """How many of the ids that were asked for are cached, and which are not as they are stored."""

    cached: int
    stale: tuple[Stale, ...]


async def inspected(
    cache: Cache, profiles: Profiles, ids: Collection[UUID], *, pause: float = PAUSE
) -> Finding:
    """Compare what is cached of these ids with the store.

    A difference counts if it is there after `pause` seconds, with the same entry: a write may
    have been under way.
    """
    entries = await cache.get(ids)
    suspects = await _differing(entries, profiles)
    if not suspects:
        return Finding(len(entries), ())
    await asyncio.sleep(pause)
    again = await cache.get(list(suspects))
    kept = {id_: entry for id_, entry in again.items() if entry == entries[id_]}
    stale = await _differing(kept, profiles)
    return Finding(
        len(entries), tuple(Stale(i, kept[i].version, stored) for i, stored in stale.items())
    )


async def _differing(entries: dict[UUID, Entry], profiles: Profiles) -> dict[UUID, int | None]:
    stored = await profiles.get(list(entries)) if entries else {}
    differing: dict[UUID, int | None] = {}
    for id_, entry in entries.items():
        row = stored.get(id_)
        if not _agree(entry, row):
            differing[id_] = None if row is None else row.version
    return differing


def _agree(entry: Entry, row: Profile | None) -> bool:
    if row is None:
        return isinstance(entry, Absence)  # a tombstone may have been purged
    alive = row.deleted_at is None
    return entry.version == row.version and alive is not isinstance(entry, Absence)
