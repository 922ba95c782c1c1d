"""The blobs in memory and in a folder pass the whole contract."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryBlobs
from profilecore.adapters.obstore import FolderBlobs
from profilecore.ports import Blobs
from profilecore.testing.blobs import BlobsContract
from profilecore.testing.places import BlobsPlace, Traits


class MemoryBlobsPlace(BlobsPlace):
    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    async def open(self) -> Blobs:
        return MemoryBlobs(lambda: self._now)

    async def close(self) -> None:
        pass

    async def tick(self) -> None:
        self._now += timedelta(seconds=1)

    async def plant(self, name: str) -> None:
        pass


class FolderBlobsPlace(BlobsPlace):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> Blobs:
        blobs = FolderBlobs(self._folder)
        await blobs.open()
        return blobs

    async def close(self) -> None:
        pass

    async def tick(self) -> None:
        await asyncio.sleep(0.02)

    async def plant(self, name: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of somebody else")


class TestMemoryBlobs(BlobsContract):
    traits = Traits(durable=False, shared=False)

    @pytest.fixture
    def place(self) -> BlobsPlace:
        return MemoryBlobsPlace()


class TestFolderBlobs(BlobsContract):
    traits = Traits(durable=True, shared=True)

    @pytest.fixture
    def place(self, tmp_path: Path) -> BlobsPlace:
        return FolderBlobsPlace(tmp_path / "some" / "blobs")
