"""What the benchmarks share: measured commands, a small client, tables."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.forking import COMMAND
from tests.support.processes import environment

MB = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """A command that ended."""

    code: int
    seconds: float
    peak: float
    """The most memory it had, in MB."""
    output: str


def measured(folder: Path, *arguments: str, **settings: str) -> Measured:
    """Run a `profilecore` command; its time includes the start of the interpreter."""
    output = folder / "output.txt"
    began = time.perf_counter()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    text = output.read_text(encoding="utf-8")
    return Measured(process.returncode, seconds, usage.ru_maxrss / 1024, text)


@contextmanager
def folder() -> Iterator[Path]:
    """A directory that is gone afterwards."""
    with TemporaryDirectory(prefix="profilecore-") as name:
        yield Path(name)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())


def verdict(missed: Sequence[str]) -> int:
    """Say which limits were missed; give the exit code."""
    for what in missed:
        print(f"MISSED: {what}")
    return 1 if missed else 0


@dataclass(frozen=True)
class Rate:
    """What a server did for some connections at once."""

    per_second: float
    p50: float
    p99: float
    """Milliseconds, as the client saw them."""


async def rate(
    port: int, request: Callable[[int], bytes], *, connections: int, seconds: float
) -> Rate:
    """Ask over and over, each connection one request at a time; every answer has to be a 2xx."""
    latencies: list[float] = []
    numbers = iter(range(1_000_000_000))
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while loop.time() < end:
            began = time.perf_counter()
            writer.write(request(next(numbers)))
            await _answer(reader)
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    took = time.perf_counter() - began
    latencies.sort()

    def percentile(part: float) -> float:
        return latencies[int(len(latencies) * part)] * 1000

    return Rate(len(latencies) / took, percentile(0.5), percentile(0.99))


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 2"), head
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
