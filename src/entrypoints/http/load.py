"""How many requests are worked on at a time."""

import asyncio
from typing import Final

from profilecore.errors import Unavailable

SPARED: Final = "/health"
"""What begins so is answered however much there is to do."""


class Overloaded(Unavailable):
    """More is to be done than can be done in time."""

    code = "overloaded"


class Load:
    """At most `most` requests are worked on at a time, so that none of them takes long.

    One that waits for its client is not worked on: for the rest of a body, for an answer to be
    taken, for a client that follows a stream or polls long to go away.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.working = 0
        self._entering = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another one."""
        return self.working >= self.most

    def enter(self) -> bool:
        """Whether there is room for one that comes in; all that come in one round of the loop
        are counted before any of them begins.
        """
        if self.working + self._entering >= self.most:
            return False
        if not self._entering:
            asyncio.get_running_loop().call_soon(self._all_entered)
        self._entering += 1
        return True

    def _all_entered(self) -> None:
        self._entering = 0

    def overloaded(self) -> Overloaded:
        """What is told to whoever finds no room."""
        return Overloaded(f"{self.most} requests are under way, as many as are taken: try again.")


class Work:
    """One request's part of it, from its begin to `end`."""

    __slots__ = ("_ended", "_load", "_waits")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._waits = 0
        self._ended = False
        load.working += 1

    def pause(self) -> None:
        """It waits for its client."""
        if not self._waits and not self._ended:
            self._load.working -= 1
        self._waits += 1

    def resume(self) -> None:
        """It goes on."""
        self._waits -= 1
        if not self._waits and not self._ended:
            self._load.working += 1

    def end(self) -> None:
        """It is done with, whoever may still wait in it."""
        if not self._waits:
            self._load.working -= 1
        self._ended = True

    def check(self) -> None:
        """Overloaded where it may not go on, since so many others began while it waited."""
        if self._load.working > self._load.most:
            raise self._load.overloaded()
