"""Campaigns of random tries: a short slice in CI, all of them where asked for; and their seed."""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FULL: Final = bool(os.environ.get("FAULTS_FULL"))
SEED: Final = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))
"""Said at the start and in each failure; `FAULTS_SEED` gives it back."""
os.environ["FAULTS_SEED"] = str(SEED)  # for the processes that share the tests
SUMMARIES: Final[list[str]] = []
"""A line for each campaign that was run."""

_SILENCE_MAX: Final = 30.0  # seconds between two lines where there is no terminal


def rounds(short: int, full: int) -> int:
    return full if FULL else short


def dice(name: str) -> random.Random:
    """Randomness of one's own, the same for the same seed."""
    return random.Random(f"{SEED} {name}")


class Campaign:
    """A campaign under way; its methods may be called from any thread."""

    def __init__(self, name: str, number: int, unit: str) -> None:
        self.name = name
        self.number = number
        self.unit = unit
        self.dice = dice(name)
        self.done = 0
        self.stale: int | None = None  # where nothing can be, nothing is said of it
        self._kinds: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._began = self._spoke = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not (FULL and sys.stderr.isatty()),
        )
        self._task = self._bar.add_task(f"{name}, {unit}", total=number)

    def injected(self, kind: str) -> None:
        """Count a fault."""
        with self._lock:
            self._kinds[kind] += 1

    def passed(self, *, stale: int | None = None) -> None:
        """Count a try, and what was found in it."""
        with self._lock:
            self.done += 1
            if stale is not None:
                self.stale = stale + (self.stale or 0)
            self._bar.advance(self._task)
            if FULL and self._bar.disable and time.monotonic() - self._spoke > _SILENCE_MAX:
                self._spoke = time.monotonic()
                print(f"{self.name}: {self.done:,} of {self.number:,}", file=sys.stderr, flush=True)

    def summary(self) -> str:
        seconds = time.monotonic() - self._began
        run = f"{self.done:,} of {self.number:,} {self.unit} in {seconds:,.0f} s"
        kinds = ", ".join(f"{kind} {times:,}" for kind, times in sorted(self._kinds.items()))
        stale = "" if self.stale is None else f"; stale found: {self.stale}"
        return f"{self.name}: {run}{stale}; injected: {kinds}"


@contextmanager
def campaign(name: str, number: int, unit: str = "schedules") -> Iterator[Campaign]:
    """Run one: show how far it is, say at the end what was done, and in a failure how to repeat."""
    under_way = Campaign(name, number, unit)
    try:
        with under_way._bar:
            yield under_way
    except BaseException as error:
        error.add_note(f"To repeat it: FAULTS_SEED={SEED}, or nox -s faults -- {SEED}")
        raise
    finally:
        SUMMARIES.append(under_way.summary())
