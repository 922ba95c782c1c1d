"""Blobs in this process's memory."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from heapq import nsmallest

from profilecore.errors import Invalid
from profilecore.image import image_of
from profilecore.ports import Stored


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryBlobs:
    """The Blobs port."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._blobs: dict[str, tuple[bytes, datetime]] = {}

    async def ping(self) -> None:
        """It always answers."""

    async def put(self, key: str, data: bytes) -> None:
        if image_of(key) is None:
            raise Invalid(f"No image has the key {key[:100]!r}.")
        self._blobs[key] = data, self._clock()

    async def get(self, key: str) -> bytes | None:
        return self._blobs[key][0] if key in self._blobs else None

    async def delete(self, keys: Collection[str]) -> None:
        for key in keys:
            self._blobs.pop(key, None)

    async def list(self, after: str, limit: int) -> Sequence[Stored]:
        keys = nsmallest(limit, (key for key in self._blobs if key > after))
        return [Stored(key, len(self._blobs[key][0]), self._blobs[key][1]) for key in keys]
