"""Rows in chunks, read ahead by a thread while the chunk before is being stored."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from profilecore.entrypoints.files import Read

ROWS: Final = 1_000
_BYTES: Final = 4 << 20
_AHEAD: Final = 2


@dataclass(slots=True)
class Chunk:
    """Some rows in the order of their file; `place` is where the file was left."""

    reads: list[Read] = field(default_factory=list)
    place: int = 0
    size: int = 0


def chunked(reads: Iterable[Read], place: Callable[[], int]) -> Iterator[Chunk]:
    """At most `ROWS` rows at a time, fewer where they are long, since all are in memory."""
    chunk = Chunk()
    for read in reads:
        chunk.reads.append(read)
        chunk.size += len(read.raw)
        if len(chunk.reads) >= ROWS or chunk.size >= _BYTES:
            chunk.place = place()
            yield chunk
            chunk = Chunk()
    if chunk.reads:
        chunk.place = place()
        yield chunk


class Ahead:
    """Chunks made by a thread of their own, at most two ahead of whoever takes them.

    The thread may wait for standard input for ever; as a daemon it does not hold up the end.
    """

    def __init__(self, chunks: Iterator[Chunk], stop: asyncio.Event) -> None:
        self._chunks = chunks
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._made: asyncio.Queue[Chunk | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        threading.Thread(target=self._make, name="reader", daemon=True).start()

    async def next(self) -> Chunk | None:
        """The next chunk; None after the last, and as soon as `stop` is set."""
        made = asyncio.ensure_future(self._made.get())
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((made, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._stop.is_set():
            made.cancel()
            return None
        self._room.release()
        found = made.result()
        if isinstance(found, BaseException):
            raise found
        return found

    def _make(self) -> None:
        last: BaseException | None = None
        try:
            for chunk in self._chunks:
                self._room.acquire()
                self._hand_over(chunk)
        except BaseException as error:  # it is raised where the chunks are taken
            last = error
        self._hand_over(last)

    def _hand_over(self, made: Chunk | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
            self._loop.call_soon_threadsafe(self._made.put_nowait, made)
