"""The keys of an issuer in a file, which may be replaced at any time."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from profilecore.adapters.jwt.key_set import SET_MAX, KeySet
from profilecore.adapters.jwt.last_good import LastGood, Say
from profilecore.errors import Invalid

LOOKED_AT_EVERY: Final = 1.0  # seconds


class FileKeys:
    """Reads the file again when it changes; while it cannot be used, the last good keys are."""

    def __init__(
        self, path: Path, *, say: Say, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._timer = timer
        self._last = LastGood(str(path), say)
        self._stamp: tuple[int, ...] | None = None
        self._looked_at = float("-inf")

    async def open(self) -> None:
        self._look()

    async def close(self) -> None:
        """Nothing is open."""

    async def current(self) -> KeySet:
        if self._last.keys is None or self._timer() - self._looked_at >= LOOKED_AT_EVERY:
            return self._look()
        return self._last.keys

    async def renewed(self) -> KeySet:
        return await self.current()

    def _look(self) -> KeySet:
        self._looked_at = self._timer()
        try:
            stamp = self._stamped()
            if stamp == self._stamp and self._last.keys is not None:
                return self._last.keys
            text = self._read()
            self._stamp = stamp
            return self._last.take(text)
        except OSError as error:
            self._stamp = None  # whatever comes next is read, were it the same file
            return self._last.failed(error.strerror or type(error).__name__, error)
        except Invalid as error:
            return self._last.failed(error.detail, error)

    def _stamped(self) -> tuple[int, ...]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(SET_MAX + 1)
