"""A cache in this process's memory, small and strict."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from sys import getsizeof
from typing import Final, NamedTuple
from uuid import UUID

from profilecore.profile import Absence, Entry, Profile

TTL: Final = 24 * 3600.0
FLOOR_KEPT: Final = 10.0
FLOORS_MAX: Final = 10_000
ABSENT_FOR: Final = 10.0
ABSENCES_MAX: Final = 1_000
ALWAYS: Final = float("-inf")


class _Floor(NamedTuple):
    """Before `certain_from` a greater version may have been forgotten early."""

    version: int
    kept_until: float
    certain_from: float


class MemoryCache:
    """At most `capacity` profiles, first in, first out, each for `ttl` seconds after its last put.

    Room is made before a profile comes in, so that there is never one too many; a new put of one
    that is there keeps its place. A copy is its own floor; the floor of an id without a copy is
    kept for `FLOOR_KEPT` seconds. Where there are more than `FLOORS_MAX` of those, the oldest is
    forgotten early, and until it would have been forgotten anyway, a put is refused for each id
    whose floor was not known before. May be used by several threads.

    Absences have a table of their own, of at most `ABSENCES_MAX`, first in, first out.
    """

    def __init__(
        self, capacity: int = 10, ttl: float = TTL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be 1 or more, not {capacity}")
        self._capacity = capacity
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        # Copies stand in the order in which they came in, the others in which they run out.
        self._copies: OrderedDict[UUID, Profile] = OrderedDict()
        self._expiries: OrderedDict[UUID, float] = OrderedDict()
        self._floors: OrderedDict[UUID, _Floor] = OrderedDict()
        self._absences: OrderedDict[UUID, tuple[Absence, float]] = OrderedDict()
        self._blind_until = ALWAYS
        self._due = ALWAYS  # nothing runs out before
        self._bytes = 0
        self._evictions = 0
        self._expirations = 0

    @property
    def size(self) -> int:
        """How many profiles are kept; one that has expired is not among them."""
        with self._swept():
            return len(self._copies)

    @property
    def size_max(self) -> int:
        """How many profiles there may be."""
        return self._capacity

    @property
    def memory_bytes(self) -> int:
        """About what the profiles take; what Python itself needs for the tables is left out."""
        with self._swept():
            return self._bytes

    @property
    def memory_max_bytes(self) -> None:
        """The bound is their number."""
        return None

    @property
    def evicted(self) -> Mapping[str, int]:
        """How many profiles went by themselves, by reason."""
        return {"capacity": self.evictions, "expired": self.expirations}

    @property
    def evictions(self) -> int:
        """How many profiles had to make room; those that expired or were dropped do not count."""
        return self._evictions

    @property
    def expirations(self) -> int:
        """How many profiles reached the end of their time."""
        with self._swept():
            return self._expirations

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        with self._lock:
            self._sweep()
            found: dict[UUID, Entry] = {i: self._copies[i] for i in ids if i in self._copies}
            if self._absences:
                found |= {i: self._absences[i][0] for i in ids if i in self._absences}
            return found

    async def put(self, entry: Entry) -> None:
        with self._swept() as now:
            floor = self._floor(entry.id)
            if entry.version < floor.version or now < floor.certain_from:
                return
            if isinstance(entry, Absence):
                self._keep_absence(entry, now)
            else:
                self._keep(entry, now)

    async def drop(self, profile_id: UUID, version: int) -> None:
        with self._swept() as now:
            if profile_id in self._absences:
                if self._absences[profile_id][0].version < version:
                    self._forget_absence(profile_id, now)
                    self._set_floor(profile_id, _Floor(version, now + FLOOR_KEPT, ALWAYS))
                return
            copy = self._copies.get(profile_id)
            if copy is None:
                floor = self._floor(profile_id)
                highest = max(version, floor.version)
                self._set_floor(profile_id, _Floor(highest, now + FLOOR_KEPT, floor.certain_from))
            elif copy.version < version:
                self._remove(profile_id, now)
                self._set_floor(profile_id, _Floor(version, now + FLOOR_KEPT, ALWAYS))

    async def clear(self) -> None:
        with self._swept() as now:
            for profile_id in list(self._copies):
                self._remove(profile_id, now)
            for profile_id in list(self._absences):
                self._forget_absence(profile_id, now)

    def _keep(self, profile: Profile, now: float) -> None:
        self._absences.pop(profile.id, None)
        if profile.id not in self._copies and len(self._copies) >= self._capacity:
            self._remove(next(iter(self._copies)), now)
            self._evictions += 1
        if profile.id in self._copies:
            self._bytes -= _bytes_of(self._copies[profile.id])
        self._bytes += _bytes_of(profile)
        self._copies[profile.id] = profile
        self._expiries[profile.id] = now + self._ttl
        self._expiries.move_to_end(profile.id)

    def _keep_absence(self, absence: Absence, now: float) -> None:
        if absence.id in self._copies:
            self._remove(absence.id, now)
        if absence.id not in self._absences and len(self._absences) >= ABSENCES_MAX:
            self._forget_absence(next(iter(self._absences)), now)
        self._absences[absence.id] = absence, now + ABSENT_FOR
        self._absences.move_to_end(absence.id)

    def _forget_absence(self, profile_id: UUID, now: float) -> None:
        absence, _ = self._absences.pop(profile_id)
        if absence.version:  # below 0 there is nothing to keep out
            self._set_floor(profile_id, _Floor(absence.version, now + FLOOR_KEPT, ALWAYS))

    def _floor(self, profile_id: UUID) -> "_Floor":
        absence, _ = self._absences.get(profile_id, (None, ALWAYS))
        entry = self._copies.get(profile_id) or absence
        if entry is not None:
            return _Floor(entry.version, ALWAYS, ALWAYS)
        return self._floors.get(profile_id) or _Floor(0, ALWAYS, self._blind_until)

    def _set_floor(self, profile_id: UUID, floor: "_Floor") -> None:
        self._floors[profile_id] = floor
        self._floors.move_to_end(profile_id)
        if len(self._floors) > FLOORS_MAX:
            _, forgotten = self._floors.popitem(last=False)
            self._blind_until = forgotten.kept_until

    def _remove(self, profile_id: UUID, now: float) -> None:
        del self._expiries[profile_id]
        copy = self._copies.pop(profile_id)
        self._bytes -= _bytes_of(copy)
        self._set_floor(profile_id, _Floor(copy.version, now + FLOOR_KEPT, ALWAYS))

    @contextmanager
    def _swept(self) -> Iterator[float]:
        """Hold the lock, with all that has run out gone; give the time."""
        with self._lock:
            yield self._sweep()
            self._due = ALWAYS  # whatever has come in may run out first

    def _sweep(self) -> float:
        now = self._clock()
        if now < self._due:
            return now
        dues = [float("inf")]
        while self._expiries:
            oldest, expiry = next(iter(self._expiries.items()))
            if now < expiry:
                dues.append(expiry)
                break
            self._remove(oldest, now)
            self._expirations += 1
        while self._absences:
            oldest, (_, expiry) = next(iter(self._absences.items()))
            if now < expiry:
                dues.append(expiry)
                break
            self._forget_absence(oldest, now)
        while self._floors:
            oldest, floor = next(iter(self._floors.items()))
            if now < floor.kept_until:
                dues.append(floor.kept_until)
                break
            del self._floors[oldest]
        self._due = min(dues)
        return now


def _bytes_of(profile: Profile) -> int:
    values = [getattr(profile, name) for name in Profile.__slots__]
    parts = (profile, *values, *profile.image_urls, *profile.images)
    return sum(map(getsizeof, parts))
