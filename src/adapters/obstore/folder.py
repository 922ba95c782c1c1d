"""The Blobs port on a folder: what obstore's own does not promise is added here.

obstore writes beside the place, renames, and leaves it to the system when that gets to the disk:
after a loss of power a file may be there that is empty, or none. Here the bytes are on the disk
before they have their name, and the name is before `put` returns.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import obstore
from obstore.store import LocalStore

from profilecore.adapters.obstore.blobs import CALL_MAX, ObstoreBlobs
from profilecore.errors import Unavailable

if TYPE_CHECKING:
    from obstore import ObjectMeta

ARRIVING: Final = ".arriving"
"""The folder within of what has no name yet: no key begins like this."""
LEFT_FOR: Final = 3600.0
"""Seconds after which nobody is still busy with what is in there."""


class FolderBlobs(ObstoreBlobs):
    """Blobs in `folder`, which is made when it is needed, for the processes of one machine."""

    def __init__(self, folder: Path, *, call_max: float = CALL_MAX) -> None:
        super().__init__(self._made_folder, call_max=call_max)
        self._folder = folder.absolute()

    async def open(self) -> None:
        """Remove what others have left in the middle of a `put`, when they were killed.

        A folder that cannot be used is no reason not to start, as `ping` tells; one that is not
        there is made when it is needed.
        """
        with suppress(Unavailable):
            async with self._bounded():
                await asyncio.to_thread(self._sweep)

    async def ping(self) -> None:
        async with self._bounded():
            await self._store()
            if not await asyncio.to_thread(os.access, self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(str(self._folder))

    async def _put(self, key: str, data: bytes) -> None:
        store, name = await self._store(), f"{ARRIVING}/{uuid4().hex}"
        try:
            await obstore.put_async(store, name, data, use_multipart=False)
            # The system tells the first who asks of bytes that it could not write, though these
            # were written, and closed, by another.
            await asyncio.to_thread(_to_disk, self._folder / name)
            await obstore.rename_async(store, name, key)
        except BaseException:
            # Nobody waits for it: a disk that does not answer would not answer to this either.
            asyncio.get_running_loop().run_in_executor(None, _forget, self._folder / name)
            raise
        await asyncio.to_thread(self._names_to_disk, key)

    async def _delete(self, key: str) -> None:
        await super()._delete(key)
        await asyncio.to_thread(self._names_to_disk, key)

    async def _pages(self, after: str) -> AsyncGenerator[Sequence["ObjectMeta"], None]:
        """A page for each folder within: a file system has no order of its own."""
        store = await self._store()
        within = (await obstore.list_with_delimiter_async(store))["common_prefixes"]
        for prefix in sorted(within):
            if prefix >= after[: len(prefix)] and prefix != ARRIVING:
                found = await obstore.list(store, prefix).collect_async()
                yield sorted(found, key=itemgetter("path"))

    def _made_folder(self) -> LocalStore:
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            _to_disk(path.parent)
        return LocalStore(self._folder, automatic_cleanup=True)

    def _names_to_disk(self, key: str) -> None:
        *within, _ = PurePosixPath(key).parents
        for part in within:
            with suppress(FileNotFoundError):  # removed with its last file
                _to_disk(self._folder / part)
        # Not so the folder itself: without it, as without its disk, nobody knows what is deleted.
        _to_disk(self._folder)

    def _sweep(self) -> None:
        """Files that are arriving, and those that obstore has not even given that name."""
        with suppress(FileNotFoundError):  # nothing has ever arrived, or another sweeps too
            for left in list((self._folder / ARRIVING).iterdir()):
                if left.stat().st_mtime < time.time() - LEFT_FOR:
                    left.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Return when what was written to a file, or the names in a folder, would outlive the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(path: Path) -> None:
    with suppress(OSError):  # it may be elsewhere, or not there yet; a sweep finds it
        path.unlink()
