"""The pages, and what in them is to be run."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"

UPDATE = bool(os.environ.get("UPDATE_DOCS"))
"""Write into the pages what the programs print, instead of comparing."""

_CAPTION = re.compile(r":caption: (?P<name>[\w.-]+)\n\n?")


@dataclass(frozen=True)
class Step:
    """Something to run, or a file to write, and the lines of the page that show its output.

    `shown` is None where the page shows none: after a block of Python that prints nothing.
    """

    kind: Literal["console", "python", "file"]
    text: str
    first: int
    last: int
    shown: str | None = None


def pages() -> list[Path]:
    """Every page that has something to run."""
    found = [README, *sorted(DOCS.rglob("*.md"))]
    return [page for page in found if "_build" not in page.parts and any(steps(page))]


def steps(page: Path) -> Iterator[Step]:
    """What a page runs, in its order.

    A `console` block holds commands after `$ ` (`> ` goes on) and their output. A `python` block
    is run; a `text` block right after it is its output. A code block with a caption is a file.
    """
    fences = [t for t in MarkdownIt().parse(page.read_text()) if t.type == "fence"]
    nothing = MarkdownIt().parse("```\n```")[0]
    for fence, following in pairwise([*fences, nothing]):
        start, end = fence.map or (0, 0)
        caption = _CAPTION.match(fence.content)
        if fence.info == "console":
            yield from _commands(fence.content.splitlines(), start + 1)
        elif fence.info == "python":
            if following.info == "text" and following.map:
                lines = following.map[0] + 1, following.map[1] - 1
                yield Step("python", fence.content, *lines, following.content.rstrip("\n"))
            else:
                yield Step("python", fence.content, end, end)
        elif caption and fence.info.startswith("{code-block}"):
            body = fence.content[caption.end() :]
            yield Step("file", f"{caption['name']}\n{body}", start, end)


def _commands(lines: list[str], at: int) -> Iterator[Step]:
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], f"line {at + 1}: a console block begins with `$ `"
    for start, end in pairwise([*starts, len(lines)]):
        command = [lines[start][2:]]
        while start + len(command) < end and lines[start + len(command)].startswith("> "):
            command.append(lines[start + len(command)][2:])
        first = start + len(command)
        yield Step("console", "\n".join(command), at + first, at + end, "\n".join(lines[first:end]))


def write_back(page: Path, printed: dict[Step, str]) -> None:
    """Show in the page what was printed."""
    lines = page.read_text().splitlines()
    for step, text in sorted(printed.items(), key=lambda item: -item[0].first):
        lines[step.first : step.last] = text.splitlines()
    page.write_text("\n".join(lines) + "\n")
