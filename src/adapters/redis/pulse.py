"""Whether this process was there to hear an answer."""

import asyncio
import time
from typing import Final

BEAT: Final = 0.05
LATE: Final = 0.1


class Pulse:
    """Beats every `BEAT` seconds while calls are under way, and notes when the event loop was late.

    A loop that was held up sees that a time-out is over before it sees the answer that came
    meanwhile, so that a time-out then says nothing about the server.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._due: float | None = None
        self._late_at = float("-inf")

    def begin(self) -> float:
        """A call goes out; gives the time, for `late_since`."""
        self._calls += 1
        if self._due is None:
            self._next()
        return time.monotonic()

    def end(self) -> None:
        """A call is over."""
        self._calls -= 1

    def late_since(self, began: float) -> bool:
        """Whether the loop was held up for more than `LATE` seconds."""
        self._look()
        return self._late_at >= began

    def _next(self) -> None:
        self._due = time.monotonic() + BEAT
        asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _beat(self) -> None:
        self._look()
        if self._calls:
            self._next()
        else:
            self._due = None

    def _look(self) -> None:
        now = time.monotonic()
        if self._due is not None and now - self._due > LATE:
            self._late_at = now
