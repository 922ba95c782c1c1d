"""Whether this process was there to hear an answer."""

import asyncio
import time
from typing import Final

BEAT: Final = 0.05
LATE: Final = 0.1


class Pulse:
    """Beats every `beat` seconds while calls are under way, and adds up how late it was.

    A loop that is held up, or goes round slowly, sees that a time-out is over before it sees the
    answer that came meanwhile, so that a time-out then says nothing about the server.
    """

    def __init__(self, beat: float = BEAT, late: float = LATE) -> None:
        self._every = beat
        self._most = late
        self._calls = 0
        self._due: float | None = None
        self._late = 0.0

    def begin(self) -> float:
        """A call goes out; gives what `was_late_since` has to know."""
        self._calls += 1
        if self._due is None:
            self._next()
        return self._late

    def end(self) -> None:
        """A call is over."""
        self._calls -= 1

    def was_late_since(self, begun: float) -> bool:
        """Whether the loop was late by more than `late` seconds in all."""
        overdue = 0.0 if self._due is None else max(0.0, time.monotonic() - self._due)
        return self._late + overdue - begun > self._most

    def _next(self) -> None:
        self._due = time.monotonic() + self._every
        asyncio.get_running_loop().call_later(self._every, self._beat, self._due)

    def _beat(self, due: float) -> None:
        self._late += time.monotonic() - due
        if self._calls:
            self._next()
        else:
            self._due = None
