"""`profilecore import`: rows from a file into the store."""

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from profilecore.entrypoints.cli.chunks import Ahead, Chunk, chunked
from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.output import STANDARD
from profilecore.entrypoints.cli.progress import progress
from profilecore.entrypoints.cli.rejects import Rejects
from profilecore.entrypoints.cli.stop import stop_requested
from profilecore.entrypoints.files import (
    Format,
    Read,
    Taken,
    of_name,
    read_csv,
    read_ndjson,
    sniffed,
)
from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.importing import Importer, OnConflict, Tally
from profilecore.service import ProfileService


@dataclass(frozen=True, slots=True)
class Source:
    """The file to import, `-` being standard input, and what is to be done with it."""

    name: str
    format: Format | None
    rejects: Path | None


async def import_file(service: ProfileService, source: Source, on_conflict: OnConflict) -> ExitCode:
    """Import all rows, print what became of them, and give the exit code."""
    began = time.monotonic()
    importer = Importer(service, on_conflict)
    name = "import" if source.name == STANDARD else source.name
    rejects = Rejects(source.rejects or Path(f"{name}.rejects.ndjson"))
    with _opened(source.name) as stream, rejects:
        try:
            await _import(importer, rejects, stream, source)
        finally:
            if importer.tally != Tally() or sys.exc_info()[0] is None:
                print(summary(importer.tally, time.monotonic() - began, rejects))
    return ExitCode.REFUSED if importer.tally.rejected else ExitCode.OK


async def _import(
    importer: Importer, rejects: Rejects, stream: io.BufferedReader, source: Source
) -> None:
    total = os.fstat(stream.fileno()).st_size if stream.seekable() else None
    place = stream.tell if stream.seekable() else lambda: 0
    with stop_requested() as stop, progress("Importing", total, "bytes") as advance:
        ahead = Ahead(chunked(_reads(stream, source), place), stop)
        chunk = await ahead.next()
        rejects.start_anew(stream)  # now that it looks like something to import
        last = 0
        while chunk is not None:
            await _store(importer, rejects, chunk, last)
            last = _number(chunk.reads[-1])
            advance(chunk.place)
            chunk = await ahead.next()
        if stop.is_set():
            raise StoppedError(_to_go_on(last, "interrupted"), ExitCode.INTERRUPTED)


def _reads(stream: io.BufferedReader, source: Source) -> Iterator[Read]:
    # A generator, so that it is the reader's thread that waits for the first bytes.
    kind = source.format or of_name(source.name) or sniffed(stream)
    yield from read_csv(stream) if kind is Format.CSV else read_ndjson(stream)


async def _store(importer: Importer, rejects: Rejects, chunk: Chunk, last: int) -> None:
    try:
        await _take(importer, rejects, chunk)
    except Unavailable as error:
        raise StoppedError(_to_go_on(last, error.detail), ExitCode.UNAVAILABLE) from error
    except ProfilecoreError as error:
        raise StoppedError(_how_far(last, error.detail), ExitCode.REFUSED) from error


async def _take(importer: Importer, rejects: Rejects, chunk: Chunk) -> None:
    taken = {read.row.number: read for read in chunk.reads if isinstance(read, Taken)}
    refused = {
        reject.row.number: reject.reason
        for reject in await importer.take([read.row for read in taken.values()])
    }
    for read in chunk.reads:
        if not isinstance(read, Taken):
            importer.tally.rejected += 1
            rejects.add(read.number, read.reason, read.raw)
        elif read.row.number in refused:
            rejects.add(read.row.number, refused[read.row.number], read.raw)
    rejects.flush()


def _number(read: Read) -> int:
    return read.row.number if isinstance(read, Taken) else read.number


def _how_far(last: int, why: str) -> str:
    done = f"the rows up to line {last} are stored" if last else "no row is stored"
    return f"{why.rstrip('.')}; {done}."


def _to_go_on(last: int, why: str) -> str:
    return f"{_how_far(last, why)} Run it again to go on: what is there is skipped."


def _opened(name: str) -> AbstractContextManager[io.BufferedReader]:
    if name != STANDARD:
        return Path(name).open("rb")
    # Neither sys.stdin nor closed: both ends would wait for a thread that still reads from it.
    return nullcontext(open(0, "rb", closefd=False))


def summary(tally: Tally, seconds: float, rejects: Rejects | None = None) -> str:
    """What became of the rows, in one line."""
    counts = {
        "created": tally.created,
        "updated": tally.updated,
        "skipped": tally.skipped,
        "rejected": tally.rejected,
    }
    text = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    rate = sum(counts.values()) / max(seconds, 1e-9)
    text += f" in {seconds:.1f} s ({rate:,.0f} rows/s)"
    if tally.imageless:
        text += f"; {tally.imageless:,} without the images that were uploaded for them"
    return f"{text}; see {rejects.path}" if rejects and tally.rejected else text
