"""What a part of a benchmark has found: printed, and kept in its place of a page."""

import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import psutil

from benchmarks._measuring import table

PAGES: Final = Path(__file__).parents[1] / "docs" / "performance"


class Table(NamedTuple):
    """A head and rows, the first column to the left and the others to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        rule = ("---", *("---:" for _ in self.head[1:]))
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))


class Picture(Protocol):
    """A file beside the page, what it shows in words, and how it is made there."""

    @property
    def name(self) -> str: ...

    @property
    def shows(self) -> str: ...

    def save(self, folder: Path) -> None: ...


@dataclass
class Found:
    """What came of one part, and which promises it did not keep."""

    tables: list[Table] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def show(self) -> None:
        for head, rows in self.tables:
            table(head, rows)
            print()

    def write(self, page: Path, name: str, versions: Sequence[str]) -> None:
        """Put it between the marks `name` of a page, with the machine and the `versions`."""
        for picture in self.pictures:
            picture.save(page.parent)
        pictures = [f"![{picture.shows}]({picture.name})" for picture in self.pictures]
        parts = [*(each.markdown() for each in self.tables), *pictures, machine(versions)]
        begin, end = f"<!-- {name}: written by a benchmark -->", f"<!-- end of {name} -->"
        text = page.read_text(encoding="utf-8")
        assert begin in text, f"{page} has no place for what stands between {begin} and {end}"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        written = "\n\n".join([begin, *parts, end])
        page.write_text(f"{before}{written}{after}", encoding="utf-8")


def packages(*names: str) -> list[str]:
    """With their versions."""
    return [f"{name} {version(name)}" for name in names]


def machine(versions: Sequence[str]) -> str:
    """Where and with what this runs, in one line."""
    cores = os.cpu_count() or 1
    memory = psutil.virtual_memory().total / 2**30
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    parts = [
        f"{_processor()}, {cores} cores, {memory:.0f} GB, {system}",
        f"Python {platform.python_version()}",
        *versions,
    ]
    return f"*{time.strftime('%Y-%m-%d')}: {', '.join(parts)}.*"


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
