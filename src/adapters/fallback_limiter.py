"""Budgets that everybody shares while they can be, and a share of them for each while not."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from profilecore.errors import Unavailable
from profilecore.limits import MICROSECONDS, Rate, Verdict
from profilecore.ports import Limiter, SharedLimiter

EVERY: Final = 1.0
PAUSE: Final = 0.5
TRIES: Final = 3
KEPT: Final = 10.0


class FallbackLimiter:
    """A circuit breaker: `primary` while it answers, else the process goes on by itself.

    While it is by itself, it lets through what is left to one of so many processes as there were,
    at least `processes`; that number falls only when it was smaller for `KEPT` seconds. `local`
    gives a limiter whose budgets are all used at that moment, so that nothing is let through that
    the primary has let through before. The primary begins in the same way, at one moment for all
    who come back to it: together they never let through more than the limit, but for those that
    alone are cut off from it.

    It turns on the first call that fails; one that fails as `busy` says nothing of the server, and
    is made again, `TRIES` times at most. `watch` finds the way back. take never raises Unavailable.
    """

    def __init__(
        self,
        primary: SharedLimiter,
        local: Callable[[], Limiter],
        processes: int,
        *,
        turned: Callable[[bool, str], None] = lambda active, why: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._make_local = local
        self._least = processes
        self._turned = turned
        self._clock = clock
        self.processes = processes
        """By how many the budgets are shared, as far as this process knows."""
        self._many_until = clock()
        self._local: Limiter | None = local()
        self._others_back_at: float | None = None
        """From when on the others may have the budgets whole, though this process is late."""

    @property
    def active(self) -> bool:
        """Whether this process goes on by itself."""
        return self._local is not None

    async def take(self, key: str, rate: Rate) -> Verdict:
        tries = 0
        while self._local is None:
            tries += 1
            try:
                return await self._primary.take(key, rate)
            except Unavailable as error:
                if error.code != "busy" or tries == TRIES:
                    self._turn_away(error)
        share = rate.share(self.processes)
        if self._others_back_at is not None and self._clock() >= self._others_back_at:
            return Verdict(allowed=False, remaining=0, wait=share.interval / MICROSECONDS)
        return await self._local.take(key, share)

    async def start(self) -> None:
        """Begin with the primary, if it is there."""
        try:
            self._turn_back(await self._primary.join())
        except Unavailable as error:
            self._turned(True, error.detail)

    async def watch(self) -> None:
        """Say that this process is there, and find the way back, until cancelled."""
        while True:
            if self._local is None:
                await asyncio.sleep(EVERY)
                await self._say()
            else:
                await asyncio.sleep(PAUSE)
                await self._return()

    async def _say(self) -> None:
        try:
            self._learn(await self._primary.join())
        except Unavailable as error:
            if error.code != "busy":
                self._turn_away(error)

    async def _return(self) -> None:
        try:
            wait = await self._primary.rejoin()
            self._others_back_at = self._clock() + wait
            await asyncio.sleep(wait)
            self._turn_back(await self._primary.join())
        except Unavailable:  # the next time, then
            return
        finally:
            self._others_back_at = None

    def _learn(self, processes: int) -> None:
        now, processes = self._clock(), max(processes, self._least)
        if processes >= self.processes or now >= self._many_until:
            self.processes = processes
            self._many_until = now + KEPT

    def _turn_away(self, error: Unavailable) -> None:
        if self._local is None:
            self._local = self._make_local()
            self._turned(True, error.detail)

    def _turn_back(self, processes: int) -> None:
        self._many_until = self._clock() + KEPT  # the others may be on their way
        self._learn(processes)
        self._local = None
        self._turned(False, f"{self.processes} processes share it")
