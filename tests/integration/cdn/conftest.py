"""A real service with images in its folder; its port is known before a cache in front has one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from profilecore.adapters.obstore import FolderBlobs
from profilecore.image import FILES, key_of
from profilecore.testing.blobs import image
from tests.support.ports import free_port
from tests.support.processes import Server


class Images:
    """What is in the folder of images, put and removed past the service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = FolderBlobs(folder)

    def put(self, number: int) -> list[str]:
        """The paths of an image's files; each holds its own path."""
        paths = [f"/media/{key}" for key in self._keys(number)]

        async def put() -> None:
            for key, path in zip(self._keys(number), paths, strict=True):
                await self._blobs.put(key, path.encode())

        asyncio.run(put())
        return paths

    def delete(self, number: int) -> None:
        asyncio.run(self._blobs.delete(self._keys(number)))

    def _keys(self, number: int) -> list[str]:
        return [key_of(image(number), file) for file in FILES]


@pytest.fixture(scope="module")
def ahead() -> int:
    """The port that a cache will have."""
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, ahead: int) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("service")
    with Server(folder, CDN_PURGE=f"http://127.0.0.1:{ahead}") as server:
        yield server


@pytest.fixture(scope="module")
def images(server: Server) -> Images:
    return Images(server.folder / "data" / "blobs")
