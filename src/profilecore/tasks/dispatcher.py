"""Hands the tasks that are due to the queue, and takes back those whose holder was lost."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.ports import Due, Queue, Tasks
from profilecore.schedule import Claim
from profilecore.task import Status, Step
from profilecore.tasks.handlers import Handlers

AT_ONCE: Final = 200
CLAIM: Final = timedelta(seconds=5)
AWAY_MAX: Final = 2.0  # seconds
MARK_AFTER: Final = 3.0  # seconds, from the claim, which must not have ended by then
_FULL_PAUSE: Final = 0.02


class Dispatcher:
    """Claims due tasks, puts them into the queue, and notes that they are there.

    Any number of processes may do so at once. It looks again when the next task is due, after
    `poll` seconds at the latest, and at once after `wake`, which sets `woken`. A claim that was not
    followed up, because its process was killed, is anybody's again after `CLAIM`. While the queue
    takes nothing, what is due is left to other processes, for up to `AWAY_MAX` seconds at a time.
    What waits in the queue for longer than `queued_for` is put there once more. `room` tells how
    many tasks the queue should be given now: fewer than `AT_ONCE` where it cannot outlive the
    process.

    What was put is marked `mark_after` seconds after its claim. As a rule it has been started by
    then, and its row is not written once more for the mark.
    """

    mark_after = MARK_AFTER

    def __init__(
        self,
        tasks: Tasks,
        queue: Queue,
        handlers: Handlers,
        *,
        queued_for: timedelta,
        poll: float = 0.5,
        room: Callable[[], int] = lambda: AT_ONCE,
        woken: asyncio.Event | None = None,
    ) -> None:
        self._tasks = tasks
        self._queue = queue
        self._handlers = handlers
        self._queued_for = queued_for
        self._poll = poll
        self._unmarked: deque[tuple[float, Sequence[Claim]]] = deque()
        self._room = room
        self._woken = woken or asyncio.Event()
        self._away = 0.0

    def wake(self) -> None:
        """Look now rather than later."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled; an outage is waited out."""
        while True:
            self._woken.clear()
            pause = self._poll
            with suppress(Unavailable):
                pause = await self.advance()
            if self._away:
                await asyncio.sleep(self._away)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def advance(self) -> float:
        """Hand over what is due; give how many seconds it is until there is more to do."""
        pause = await self._look()
        await self._mark()
        return pause

    async def _look(self) -> float:
        room = min(AT_ONCE, self._room())
        if room <= 0:
            return _FULL_PAUSE
        found = await self._tasks.claim(room, CLAIM)
        lost = [claim for claim in found.claims if claim.status is Status.RUNNING]
        due = [claim for claim in found.claims if claim.status is not Status.RUNNING]
        if lost:
            await self._tasks.write({claim.id: _rescue(claim) for claim in lost})
        if due and not await self._hand_over(due):
            self._away = min(AWAY_MAX, 2 * (self._away or self._poll))
            return self._poll  # the queue is away: more claims would not help it
        self._away = 0.0
        if len(found.claims) == room:
            return 0.0
        if found.next_in is None:
            return self._poll
        return min(self._poll, max(0.0, found.next_in.total_seconds()))

    async def _hand_over(self, claims: Sequence[Claim]) -> int:
        """Give how many the queue has taken."""
        mark_at = time.monotonic() + self.mark_after
        outcomes = await asyncio.gather(*map(self._put, claims), return_exceptions=True)
        put = [c for c, outcome in zip(claims, outcomes, strict=True) if outcome is None]
        if put:
            self._unmarked.append((mark_at, put))
        else:  # the queue is away from here, and may not be so from elsewhere
            await self._tasks.write({claim.id: _unclaimed(claim) for claim in claims})
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, ProfilecoreError):
                raise outcome
        return len(put)

    async def _mark(self) -> None:
        """Note what is in the queue; of one that was started, or has ended, this is refused."""
        claims: list[Claim] = []
        while self._unmarked and self._unmarked[0][0] <= time.monotonic():
            claims += self._unmarked.popleft()[1]
        if claims:
            await self._tasks.write({claim.id: self._queued(claim) for claim in claims})

    def _queued(self, claim: Claim) -> Step:
        return lambda task, at: task.queued(at, claim.due_at, self._queued_for)

    async def _put(self, claim: Claim) -> None:
        queue = self._handlers.queue_of(claim.type)
        await self._queue.put(Due(claim.id, queue, claim.priority, claim.trace))


def _unclaimed(claim: Claim) -> Step:
    return lambda task, at: task.unclaimed(at, claim.due_at)


def _rescue(claim: Claim) -> Step:
    return lambda task, at: task.rescued(at, claim.fence, claim.due_at)
