"""A cache that tells of each call: for those who look for the reason of a miss."""

from collections.abc import Callable, Collection
from time import perf_counter
from typing import TypeAlias
from uuid import UUID

from profilecore.ports import Cache
from profilecore.profile import Entry

Say: TypeAlias = Callable[[str, UUID | None, str, float], None]
"""Takes the verb, the id (None for all), what came of it, and the microseconds of the call."""


class LoggedCache:
    """The Cache port, each call told to `say`, once for each id; ids are all that is told.

    A `put` is `offered` and a `drop` `dropped`: whether an older version was refused, the cache
    alone knows.
    """

    def __init__(self, cache: Cache, say: Say) -> None:
        self._cache = cache
        self._say = say

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        began = perf_counter()
        outcome: dict[UUID, Entry] | None = None
        try:
            outcome = await self._cache.get(ids)
            return outcome
        finally:
            for id_ in ids:
                told = "failed" if outcome is None else "hit" if id_ in outcome else "miss"
                self._told("get", id_, told, began)

    async def put(self, entry: Entry) -> None:
        began, told = perf_counter(), "failed"
        try:
            await self._cache.put(entry)
            told = "offered"
        finally:
            self._told("put", entry.id, told, began)

    async def drop(self, profile_id: UUID, version: int) -> None:
        began, told = perf_counter(), "failed"
        try:
            await self._cache.drop(profile_id, version)
            told = "dropped"
        finally:
            self._told("drop", profile_id, told, began)

    async def clear(self) -> None:
        began, told = perf_counter(), "failed"
        try:
            await self._cache.clear()
            told = "cleared"
        finally:
            self._told("clear", None, told, began)

    def _told(self, verb: str, id_: UUID | None, outcome: str, began: float) -> None:
        self._say(verb, id_, outcome, (perf_counter() - began) * 1e6)
