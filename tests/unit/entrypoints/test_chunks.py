"""Reading ahead of the store."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from profilecore.entrypoints.cli.chunks import ROWS, Ahead, Chunk, chunked
from profilecore.entrypoints.files import Broken


def rows(count: int, size: int = 10) -> Iterator[Broken]:
    return (Broken(number, "", b"x" * size) for number in range(1, count + 1))


def test_a_chunk_has_a_thousand_rows_and_the_last_what_is_left() -> None:
    chunks = list(chunked(rows(2 * ROWS + 5), lambda: 7))
    assert [len(chunk.reads) for chunk in chunks] == [ROWS, ROWS, 5]
    assert [chunk.place for chunk in chunks] == [7, 7, 7]
    assert list(chunked(rows(0), lambda: 0)) == []


def test_a_chunk_of_long_rows_is_shorter() -> None:
    assert [len(chunk.reads) for chunk in chunked(rows(10, 1 << 20), lambda: 0)] == [4, 4, 2]


async def test_no_more_than_needed_is_read_ahead() -> None:
    made = 0

    def endless() -> Iterator[Chunk]:
        nonlocal made
        while True:
            made += 1
            yield Chunk()

    stop = asyncio.Event()
    ahead = Ahead(endless(), stop)
    await asyncio.sleep(0.1)
    assert made <= 3
    for _ in range(10):
        assert await ahead.next() is not None
    await asyncio.sleep(0.1)
    assert made <= 13
    stop.set()
    assert await ahead.next() is None


async def test_what_goes_wrong_while_reading_is_raised_where_the_chunks_are_taken() -> None:
    def broken() -> Iterator[Chunk]:
        yield Chunk(place=1)
        raise OSError("the disk is gone")

    ahead = Ahead(broken(), asyncio.Event())
    first = await ahead.next()
    assert first is not None
    assert first.place == 1
    with pytest.raises(OSError, match="the disk is gone"):
        await ahead.next()


async def test_after_the_last_chunk_there_is_none() -> None:
    assert await Ahead(iter(()), asyncio.Event()).next() is None


def test_a_reader_that_outlives_the_command_is_silent() -> None:
    go, gone = threading.Event(), threading.Event()

    def late() -> Iterator[Chunk]:
        go.wait(10)
        yield Chunk()
        gone.set()

    async def leave() -> None:
        stop = asyncio.Event()
        ahead = Ahead(late(), stop)
        asyncio.get_running_loop().call_later(0.05, stop.set)
        assert await ahead.next() is None

    asyncio.run(leave())
    go.set()
    assert gone.wait(10)
    time.sleep(0.05)  # an error in the thread would be pytest's to report
