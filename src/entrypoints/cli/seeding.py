"""`profilecore seed`: made-up profiles into the store or into a file."""

import itertools
import time
from collections.abc import Iterator

import msgspec

from profilecore import ProfileService
from profilecore.entrypoints.cli.chunks import ROWS
from profilecore.entrypoints.cli.exits import ExitCode, StoppedError
from profilecore.entrypoints.cli.importing import summary
from profilecore.entrypoints.cli.output import Write
from profilecore.entrypoints.cli.people import people
from profilecore.entrypoints.cli.progress import progress
from profilecore.entrypoints.cli.stop import stop_requested
from profilecore.importing import Importer, OnConflict, Row


async def seed_store(service: ProfileService, count: int, random_seed: int) -> ExitCode:
    """Store made-up profiles; those that are there from the same seed are skipped."""
    began = time.monotonic()
    importer = Importer(service, OnConflict.SKIP)
    done = 0
    with stop_requested() as stop, progress("Seeding", count, "rows") as advance:
        for chunk in _chunks(count, random_seed):
            if stop.is_set():
                break
            await importer.take([Row(done + index, row) for index, row in enumerate(chunk, 1)])
            done += len(chunk)
            advance(done)
    print(f"{summary(importer.tally, time.monotonic() - began)}, random seed {random_seed}")
    if stop.is_set():
        text = f"interrupted; {done} of {count} are stored."
        raise StoppedError(text, ExitCode.INTERRUPTED)
    return ExitCode.OK


def seed_file(write: Write, count: int, random_seed: int) -> None:
    """Write made-up profiles as lines of JSON."""
    done = 0
    with progress("Seeding", count, "rows") as advance:
        for chunk in _chunks(count, random_seed):
            write(b"".join(msgspec.json.encode(row) + b"\n" for row in chunk))
            done += len(chunk)
            advance(done)


def _chunks(count: int, random_seed: int) -> Iterator[list[dict[str, object]]]:
    rows = itertools.islice(people(random_seed), count)
    while chunk := list(itertools.islice(rows, ROWS)):
        yield chunk
