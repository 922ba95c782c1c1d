"""Where an adapter keeps its things, and what may differ between adapters of one port."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from profilecore.ports import (
    Blobs,
    Bookmark,
    Cache,
    Endings,
    Holds,
    Log,
    Profiles,
    Receipts,
    Tasks,
    TaskUpkeep,
)
from profilecore.testing.samples import AT

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Traits:
    """The differences that are documented; the suites assert the weaker behaviour too."""

    durable: bool
    """What was written is there after a close and an open; otherwise it is gone."""
    shared: bool
    """Two adapters opened on one place see each other; otherwise they do not."""
    keeps: bool = True
    """A cache: holds what is put; otherwise each read is a miss."""
    capacity: int | None = None
    """A cache: how many profiles it holds, first in, first out; None for more than a test has."""
    prioritised: bool = True
    """A queue: higher priorities come first; otherwise priority changes nothing."""
    ordered: bool = True
    """A queue: first come, first served within a priority; otherwise in any order."""
    named: bool = True
    """A queue: an adapter takes from the queues alone that it was told of; otherwise from all."""


class Place(ABC, Generic[T]):
    """A file, a server's database, a broker's queue: empty at first, and used by one test.

    `open` gives an adapter on it, the second time another one beside the first. `close` closes
    all that were opened; a place that was closed can be opened again.
    """

    @abstractmethod
    async def open(self) -> T: ...

    @abstractmethod
    async def close(self) -> None: ...


class CachePlace(Place[Cache]):
    """A cache's place, whose copies expire after `ttl` seconds."""

    ttl: float

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let time pass for the cache, really or by its clock."""


class TaskStore(Tasks, TaskUpkeep, Protocol):
    """Both ports of one place."""


class ClockedPlace(Place[T]):
    """A place whose stores go by a clock that stands still until it is moved."""

    now: datetime = AT

    async def move(self, by: timedelta) -> None:
        """Let time pass for every store that is open on it, and those to come."""
        self.now += by

    def seconds(self) -> float:
        """The same clock, for stores that count seconds."""
        return self.now.timestamp()


class TasksPlace(ClockedPlace[TaskStore]):
    """A place of tasks."""


@dataclass(frozen=True)
class Store:
    """A pair of adapters that share their place."""

    profiles: Profiles
    log: Log


@dataclass(frozen=True)
class Marked:
    """A store, and the bookmarks in its log by their names."""

    store: Store
    bookmark: Callable[[str], Bookmark]


class BookmarkPlace(ClockedPlace[Marked]):
    """A place of bookmarks."""


@dataclass(frozen=True)
class Ended:
    """Adapters that share their place, and its clock."""

    tasks: Tasks
    upkeep: TaskUpkeep
    endings: Endings


class EndingsPlace(ClockedPlace[Ended]):
    """A place of tasks that end."""


@dataclass(frozen=True)
class Pictured:
    """Adapters that share their place, and its clock."""

    profiles: Profiles
    tasks: Tasks
    holds: Holds


class PicturedPlace(ClockedPlace[Pictured]):
    """A place of profiles with images."""


@dataclass(frozen=True)
class Receipted:
    """Adapters that share their place, and its clock."""

    profiles: Profiles
    log: Log
    tasks: Tasks
    receipts: Receipts


class ReceiptedPlace(ClockedPlace[Receipted]):
    """A place of writes that come with receipts."""


class BlobsPlace(Place[Blobs]):
    """A folder or a bucket."""

    @abstractmethod
    async def tick(self) -> None:
        """Let so much time pass that what is put then is later."""

    @abstractmethod
    async def plant(self, name: str) -> None:
        """Put something there that is no image's, past the adapter, if there is a way past it."""
