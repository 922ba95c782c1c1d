"""Budgets of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from profilecore.limits import Rate, Verdict, taken

KEYS_MAX: Final = 50_000


def _microseconds() -> int:
    return time.monotonic_ns() // 1_000


class MemoryLimiter:
    """At most `most` budgets: of too many, the one that was asked for the longest ago is forgotten.

    With `used` every budget is all used when this is made, and fills up from then on.
    """

    def __init__(
        self,
        *,
        used: bool = False,
        most: int = KEYS_MAX,
        clock: Callable[[], int] = _microseconds,
    ) -> None:
        self._most = most
        self._clock = clock
        self._used_at = clock() if used else None
        self._full_at = OrderedDict[str, int]()

    async def take(self, key: str, rate: Rate) -> Verdict:
        full_at = self._full_at.pop(key, None)
        if full_at is None:
            full_at = 0 if self._used_at is None else self._used_at + rate.room
            if len(self._full_at) >= self._most:
                self._full_at.popitem(last=False)
        self._full_at[key], verdict = taken(full_at, self._clock(), rate)
        return verdict
