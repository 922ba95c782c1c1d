"""How many requests are worked on at a time, and how much of their bodies is held."""

import asyncio
from collections.abc import Callable
from typing import Final

from profilecore.errors import Unavailable

SPARED: Final = "/health"
"""What begins so is answered however much there is to do."""
BODIES_MAX: Final = 32 * 1024 * 1024
SMALL: Final = 64 * 1024
STREAMED: Final = "streamed"
"""The argument of a route that holds no body: it writes each piece away before the next one."""


class Overloaded(Unavailable):
    """More is to be done than can be done in time."""

    code = "overloaded"


class Load:
    """At most `most` requests are worked on at a time, so that none of them takes long.

    One that waits for its client is not worked on: for the rest of a body, for an answer to be
    taken, for a client that follows a stream or polls long to go away.
    """

    def __init__(self, most: int, *, refused: Callable[[], None] = lambda: None) -> None:
        self.most = most
        self.working = 0
        self._refused = refused
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

    def refused(self) -> None:
        """Count one that found no room."""
        self._refused()

    def overloaded(self) -> Overloaded:
        """What it is told."""
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
            self._load.refused()
            raise self._load.overloaded()


class Bodies:
    """At most `most` bytes of bodies are held in memory at a time.

    The first `SMALL` of each do not count: whoever sends large ones slowly does not keep the others
    from what they are there for.
    """

    def __init__(self, most: int = BODIES_MAX) -> None:
        self.most = most
        self.held = 0


class Share:
    """One request's part of them, until `end`."""

    __slots__ = ("_bodies", "_counted", "_free")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._counted = 0
        self._free = SMALL

    def add(self, size: int) -> None:
        """A piece has come; Overloaded where there is no room for it."""
        more = max(0, size - self._free)
        self._free = max(0, self._free - size)
        if more and self._bodies.held + more > self._bodies.most:
            raise Overloaded("More large bodies arrive than are taken at a time: try again.")
        self._bodies.held += more
        self._counted += more

    def end(self) -> None:
        """The body is gone."""
        self._bodies.held -= self._counted
