"""Where the time of a request goes: py-spy looks at a server while wrk asks it."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks._report import Found
from benchmarks._stage import CREATE, LIST, READ_EMBEDDED, READ_REDIS, Stage, Work

SECONDS: Final = 10
RATE: Final = 250  # looks a second
WORKS: Final = {
    "profile-read-redis.svg": READ_REDIS,
    "profile-read-embedded.svg": READ_EMBEDDED,
    "profile-create.svg": CREATE,
    "profile-list.svg": LIST,
}
LARGEST: Final = 300_000  # bytes of a picture that is kept with the source


@dataclass(frozen=True)
class Flames:
    """A flame graph, as py-spy draws it."""

    name: str
    shows: str
    text: str

    def save(self, folder: Path) -> None:
        (folder / self.name).write_text(self.text, encoding="utf-8")


def profiles(stage: Stage) -> Found:
    """By functions, of what holds the interpreter: threads that wait are not seen."""
    found = Found()
    for name, work in WORKS.items():
        text = _recorded(stage, work)
        if len(text) > LARGEST:
            found.missed.append(f"{name} has {len(text):,} bytes, {LARGEST:,} are the limit")
        found.pictures.append(Flames(name, f"Where the time goes: {work.name}", text))
    return found


def _recorded(stage: Stage, work: Work) -> str:
    output = stage.root / "flames.svg"
    spy = Path(sys.executable).with_name("py-spy")
    stage.ask(work)
    with subprocess.Popen(
        [
            *(spy, "record", "--pid", str(stage.peers[work.peer].process), "--function", "--gil"),
            *("--duration", str(SECONDS), "--rate", str(RATE), "--output", output),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        stage.ask(work, seconds=SECONDS + 1)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    # Its title is the command, with the places of this machine.
    text = output.read_text(encoding="utf-8")
    return re.sub(r'(<text id="title"[^>]*>)[^<]*', rf"\1{work.name}", text)
