"""Connections that were refused, and are not read from for a moment."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

TURN: Final = 0.02  # seconds
IN_A_TURN: Final = 10
TURNS_MAX: Final = 50


def _in_a_turn(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(TURN, call)


class Resting:
    """Keeps those who ask again at once, when refused, from taking the time of those let in.

    To refuse costs something too, and a request that was let in needs several turns of the loop,
    each of which would begin with all refusals. So whoever was refused is not read from until there
    is `room`, told as a number of requests. Before that `IN_A_TURN` of them go on in each turn, and
    nobody rests for longer than `TURNS_MAX` turns: the second that a refusal asks for.
    """

    def __init__(
        self, room: Callable[[], int], later: Callable[[Callable[[], None]], object] = _in_a_turn
    ) -> None:
        self._room = room
        self._later = later
        self._turns = 0
        self._resting: deque[tuple[int, asyncio.Transport]] = deque()
        """Each with the turn in which it goes on at the latest."""

    def add(self, transport: asyncio.Transport) -> None:
        """Let it rest, from now on."""
        transport.pause_reading()
        self._resting.append((self._turns + TURNS_MAX, transport))
        if len(self._resting) == 1:
            self._later(self._turn)

    def _turn(self) -> None:
        self._turns += 1
        number = max(self._room(), IN_A_TURN)
        while self._resting and (number > 0 or self._resting[0][0] <= self._turns):
            _, transport = self._resting.popleft()
            number -= 1
            if not transport.is_closing():
                transport.resume_reading()
        if self._resting:
            self._later(self._turn)
