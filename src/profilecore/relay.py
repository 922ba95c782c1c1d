"""Repairs a cache that several processes share, and says when it may be believed.

The cache keeps, with its copies, the position up to which the log has been applied to it. Every
process offers each chunk of the log that it reads; the first to come applies it, in one step with
the position, and the others find it done. So nobody leads, and nobody has to be waited for.

Why no process gives what is older than its own view of the log:

1. A copy is never older than the events up to the position that the cache holds *in the same
   instant*: events and position move in one step, copies come in by version, and an event leaves
   a floor for longer than a read may be under way. A cache that loses its latest writes (a
   restart from a snapshot, a failover) loses the position with them.
2. A process believes a read only if that position is at or beyond its `Horizon`, how far it knows
   the log itself, which Feed moves only after the events were offered.
3. A cache without a position is a new one. It begins where the log stood before any read that is
   under way could have begun, so that what such a read brings in late meets a floor. So does one
   whose position is of an earlier era than the log's: what it holds may have been lost.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from profilecore.errors import NotFound, Unavailable
from profilecore.event import Event, era
from profilecore.ports import Log, SharedCache

CHUNK: Final = 1_000
READ_MAX: Final = 10.0  # seconds that a read may be under way
SHORT: Final = 10_000  # a log that is no longer is read from its start without a thought
START_MAX: Final = 1.0
_FIRST_PAUSE: Final = 0.25
_LAST_PAUSE: Final = 2.0
_GRAIN: Final = 0.25  # seconds between the positions that are remembered


@dataclass(slots=True)
class Horizon:
    """How far this process knows the log; None before it has read it."""

    position: int | None = None

    def passed(self, position: int | None) -> bool:
        """Whether a cache that was repaired up to `position` may be believed."""
        if position is None or self.position is None:
            return False
        return position >= self.position


class Relay:
    """Offers the log to a shared cache; `run` catches up where the cache has fallen behind."""

    def __init__(
        self,
        cache: SharedCache,
        log: Log,
        horizon: Horizon,
        *,
        read_max: float = READ_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._log = log
        self._horizon = horizon
        self._read_max = read_max
        self._clock = clock
        self._known: deque[tuple[float, int]] = deque()
        self._whole = True
        self._behind = asyncio.Event()
        self._behind.set()

    async def start(self, position: int) -> None:
        """Begin at the log's end; return once the cache has caught up, or after a second."""
        self._move(position)
        try:
            async with asyncio.timeout(START_MAX):
                await self._catch_up()
        except (Unavailable, TimeoutError):
            return  # `run` goes on with it

    def restart(self, position: int) -> None:
        """Begin at the end of a log that may have lost its former end.

        What a read brings in late may then be newer than all there is, and meets no floor: only
        the time that such a read takes helps.
        """
        self._known.clear()
        self._whole = False
        self._move(position)
        self._behind.set()

    async def pass_on(self, after: int, events: Sequence[Event]) -> None:
        """Offer what the log had after a position; call it when there was nothing, too."""
        last = events[-1].position if events else after
        try:
            if era(last) != era(after):
                self._behind.set()
            if self._behind.is_set():
                for event in events:
                    await self._cache.drop(event.profile_id, event.version)
            else:
                position = await self._cache.apply(after, events)
                if position is None or position < last:
                    self._behind.set()
        except Unavailable:
            self._behind.set()
        finally:
            self._move(last)

    async def run(self) -> None:
        """Catch up whenever the cache has fallen behind, until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            await self._behind.wait()
            try:
                await self._catch_up()
                pause = _FIRST_PAUSE
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)

    async def _catch_up(self) -> None:
        position = await self._cache.position()
        begun = False
        while True:
            events = await self._missed(position, begun=begun)
            if events is None or position is None:
                if begun:
                    raise Unavailable("The log does not know the position that it had.")
                await self._cache.begin(self._beginning(), position)
                position = await self._cache.position()
                begun = True
                continue
            position = await self._cache.apply(position, events)
            if len(events) < CHUNK and self._horizon.passed(position):
                self._behind.clear()
                return
            if not events:
                raise Unavailable("The log ends before what is known of it.")

    async def _missed(self, position: int | None, *, begun: bool) -> Sequence[Event] | None:
        """What the cache has not seen; None where it has to begin anew."""
        if position is None:
            return None
        try:
            events = await self._log.read(position, CHUNK)
        except NotFound:
            self._whole = self._whole and position > 0
            return None
        if events and era(events[-1].position) != era(position) and not begun:
            return None
        return events

    def _beginning(self) -> int:
        """A position from before any read that is under way. Unavailable if none is known yet."""
        at, position = self._known[0]
        if self._clock() - at >= self._read_max:
            return position
        if self._whole and (self._horizon.position or 0) <= SHORT:
            return 0
        raise Unavailable("Reads that began before this process did may still be under way.")

    def _move(self, position: int) -> None:
        """Move the horizon, and remember when."""
        now = self._clock()
        settled = sum(1 for _ in takewhile(lambda e: e[0] <= now - self._read_max, self._known))
        for _ in range(settled - 1):
            self._known.popleft()
        if not self._known or now - self._known[-1][0] >= _GRAIN:
            self._known.append((now, position))
        self._horizon.position = position
