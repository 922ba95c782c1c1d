"""Which server of a database to ask: what is known of each, and the choice."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from profilecore.adapters.postgres.node import PostgresNode

LAG_MAX: Final = 1.0
_DOUBT: Final = 0.05
_MARKS: Final = 8

Role: TypeAlias = Literal["primary", "replica", "lost"]


class Standing(NamedTuple):
    """What a server says of itself; its timeline grows with each promotion."""

    writable: bool
    timeline: int
    position: int


LOST: Final = Standing(writable=False, timeline=-1, position=0)


@dataclass(slots=True, eq=False)
class Server:
    """One server, as far as this process knows it.

    `candidate`: it may become the primary. `reader`: it takes reads while it is in step.
    """

    node: PostgresNode
    candidate: bool
    reader: bool
    standing: Standing = LOST
    in_step_at: float = float("-inf")
    doubted_until: float = float("-inf")


class Report(NamedTuple):
    """How one server does; `lag` is for how many seconds it has not been in step."""

    where: str
    role: Role
    lag: float
    in_use: int
    idle: int
    waiting: int


class Servers:
    """The servers of one database, and which of them is the primary."""

    def __init__(
        self,
        servers: Iterable[Server],
        *,
        turned: Callable[[str, str], None] = lambda where, what: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.all = list(servers)
        self.primary = self.all[0]
        self._turned = turned
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)

    def note(self, server: Server, standing: Standing) -> None:
        """Take in what a server said of itself, or `LOST` where it did not answer in time."""
        was_lost, server.standing = server.standing is LOST, standing
        if was_lost is not (standing is LOST):
            self._turned(server.node.address.where, "answers" if was_lost else "does not answer")
        self._choose()
        if server is self.primary and standing is not LOST:
            self._marks.append((self._clock(), standing.position))
        reached = (at for at, position in self._marks if position <= standing.position)
        if standing is not LOST:
            server.in_step_at = max(reached, default=server.in_step_at)

    def reader(self, at_least: int) -> Server | None:
        """The replica to read from what holds up to position `at_least`; None for the primary.

        One that is known to have it, the least busy first; or else the one that is furthest: it
        was in step when it was last asked, and is likely to have it by now.
        """
        now = self._clock()
        fit = [s for s in self.all if s.reader and s.standing is not LOST]
        fit = [s for s in fit if now - s.in_step_at <= LAG_MAX and s is not self.primary]
        there = [s for s in fit if s.standing.position >= at_least]
        if there:
            return min(there, key=lambda s: s.node.load)
        near = (s for s in fit if s.doubted_until <= now)
        return max(near, key=lambda s: s.standing.position, default=None)

    def saw(self, server: Server, position: int, at_least: int) -> bool:
        """Whether a read that found the log at `position` will do; note how far it goes."""
        if server.standing is not LOST:
            highest = max(position, server.standing.position)
            server.standing = server.standing._replace(position=highest)
        if position < at_least:
            server.doubted_until = self._clock() + _DOUBT
        return position >= at_least

    def role(self, server: Server) -> Role:
        """What a server is used for; one that is alone is not asked, and never lost."""
        if server.standing is LOST and len(self.all) > 1:
            return "lost"
        return "primary" if server is self.primary else "replica"

    def lag(self, server: Server) -> float:
        """For how many seconds a server has not been in step; infinite for one that never was."""
        if server is self.primary:
            return 0.0
        return max(0.0, self._clock() - server.in_step_at)

    def reports(self) -> list[Report]:
        """How each server does."""
        return [
            Report(s.node.address.where, self.role(s), self.lag(s), *s.node.pooled())
            for s in self.all
        ]

    def _choose(self) -> None:
        """Take the one that was promoted last: one before it may not know that it is over."""
        able = [s for s in self.all if s.candidate and s.standing.writable]
        newest = max(able, key=lambda s: s.standing.timeline, default=self.primary)
        mine = self.primary.standing
        if not mine.writable or mine.timeline < newest.standing.timeline:
            if newest is not self.primary:
                self._turned(newest.node.address.where, "is the primary now")
                self._marks.clear()
            self.primary = newest
