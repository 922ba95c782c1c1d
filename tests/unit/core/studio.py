"""Images in memory, and what can go wrong on their way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from profilecore.adapters.memory import MemoryBlobs, MemoryHolds, MemoryStore
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED, EDGES, FILES, Image, Rendering, Size
from profilecore.images import Collector, ImageService
from profilecore.ports import Stored
from profilecore.profile import Profile
from profilecore.schedule import TaskQuery
from profilecore.task import Task
from tests.unit.core.doubles import Process

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def rendering(of: bytes, edition: int = 1) -> Rendering:
    """What another edition of the imager makes differs in all but the sizes."""
    files = {file: f"{file} {edition} ".encode() + of for file in FILES}
    sizes = {size: (edge, edge) for size, edge in EDGES.items()}
    return Rendering(sizes, files, thumbhash=b"hash", pixels=EDGES[Size.LARGE] ** 2)


class PlainImager:
    """Makes of the same bytes the same images, in this `edition`."""

    edition = 1
    before: Callable[[], Awaitable[object]] | None = None
    error: Exception | None = None

    def __init__(self) -> None:
        self.rendered: list[bytes] = []

    async def render(self, upload: Path) -> Rendering:
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error
        data = await asyncio.to_thread(upload.read_bytes)
        self.rendered.append(data)
        return rendering(data, self.edition)


class SwitchedBlobs(MemoryBlobs):
    """Blobs that can refuse a key, stand still, and give few at a time."""

    page = 1_000
    down: Callable[[str], bool] = staticmethod(lambda _: False)
    deleting: asyncio.Event | None = None

    async def put(self, key: str, data: bytes) -> None:
        self._check(key)
        await super().put(key, data)

    async def delete(self, keys: Collection[str]) -> None:
        if self.deleting is not None:
            await self.deleting.wait()
        for key in keys:
            self._check(key)
            await super().delete([key])

    async def list(self, after: str, limit: int) -> Sequence[Stored]:
        return await super().list(after, min(limit, self.page))

    def _check(self, key: str) -> None:
        if self.down(key):
            raise Unavailable("The store of images is away.")


class CountedHolds(MemoryHolds):
    """Holds that are refused so many times, and that cannot be released where that is said."""

    refusals = 0
    refused_as = "being_removed"
    keeps = False

    def __init__(self, store: MemoryStore, clock: Callable[[], float]) -> None:
        super().__init__(store, clock=clock)
        self.held: list[tuple[str, str]] = []
        self.released: list[tuple[str, str]] = []

    async def hold(self, image_id: str, holder: str, lease: timedelta) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable(BEING_REMOVED, code=self.refused_as)
        await super().hold(image_id, holder, lease)
        self.held.append((image_id, holder))

    async def release(self, image_id: str, holder: str) -> None:
        self.released.append((image_id, holder))
        if self.keeps:
            raise Unavailable("The store does not answer.")
        await super().release(image_id, holder)


class Studio:
    """The use cases of images on memory, by a clock that is moved by hand."""

    def __init__(self, folder: Path, *, purges: bool = False) -> None:
        self.folder = folder
        self.at = NOW
        self.announced = 0
        self.process = Process(MemoryStore(), trust=60)
        self.store = self.process.store
        self.profiles = self.process.profiles
        self.tasks = self.profiles._tasks
        self.imager = PlainImager()
        self.blobs = SwitchedBlobs(lambda: self.at)
        self.holds = CountedHolds(self.store, self._seconds)
        self.images = ImageService(
            self.process.service,
            self.imager,
            self.blobs,
            self.holds,
            announce=self._announce,
            clock=lambda: self.at,
        )
        self.collector = Collector(
            self.blobs,
            self.holds,
            self.tasks,
            purges=purges,
            announce=self._announce,
            clock=lambda: self.at,
        )

    def upload(self, data: bytes = b"one") -> Path:
        path = self.folder / data.decode()
        path.write_bytes(data)
        return path

    async def person(self, email: str = "ada@example.com") -> Profile:
        values = {"name": "Ada", "email": email}
        return (await self.process.service.create(values, actor=None)).profile

    async def stored(self, profile: Profile) -> Profile:
        return (await self.profiles.get([profile.id]))[profile.id]

    async def keys(self) -> set[str]:
        return {stored.key for stored in await MemoryBlobs.list(self.blobs, "", 100_000)}

    async def ordered(self) -> list[Task]:
        """The tasks, the oldest first."""
        return list(await self.tasks.list(TaskQuery(limit=100)))[::-1]

    def _seconds(self) -> float:
        return self.at.timestamp()

    def _announce(self) -> None:
        self.announced += 1


async def added(studio: Studio, profile: Profile, data: bytes = b"one") -> Image:
    return (await studio.images.add(profile.id, studio.upload(data), actor=None)).image


def assert_released(studio: Studio) -> None:
    """Each hold was given back by the one who had it."""
    assert sorted(studio.holds.released) == sorted(studio.holds.held)
