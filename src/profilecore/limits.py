"""How much somebody may ask for: budgets that are used up, and fill again at a rate."""

import re
from dataclasses import dataclass
from typing import Final, Self

MICROSECONDS: Final = 1_000_000
_PERIODS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RATE: Final = re.compile(r"(\d{1,7})/([smhd])(?:,burst=(\d{1,7}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many (`count`) in so much time (`period`, seconds), of which `burst` may come at once.

    Within any time of w seconds there are never more than burst + count * w / period.
    """

    count: int
    period: int
    burst: int

    @classmethod
    def read(cls, text: str) -> Self:
        """`600/m` or `600/m,burst=50`; all may come at once if not said. Raises ValueError."""
        found = _RATE.fullmatch(text)
        if found is None:
            raise ValueError(text)
        count = int(found[1])
        burst = int(found[3] or count)
        if count < 1 or burst < 1:
            raise ValueError(text)
        return cls(count, _PERIODS[found[2]], burst)

    @property
    def interval(self) -> int:
        """Microseconds in which one is filled up; rounded up, so that it is never too many."""
        return -(-self.period * MICROSECONDS // self.count)

    @property
    def room(self) -> int:
        """Microseconds in which all that may come at once is filled up."""
        return self.burst * self.interval

    def share(self, processes: int) -> "Rate":
        """What each of them may let through, so that together they let through no more than this.

        One of a burst is left to each, or it could let through nothing ever: a burst that is
        smaller than the number of processes may be exceeded by the difference, the rate never.
        """
        return Rate(self.count, self.period * processes, max(1, self.burst // processes))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one may pass, and how many more may after it.

    `wait` is how many seconds it takes until there is one more than `remaining`; where this one may
    not pass, it may after that time, if nobody takes its place.
    """

    allowed: bool
    remaining: int
    wait: float


def taken(full_at: int, now: int, rate: Rate) -> tuple[int, Verdict]:
    """Take one from a budget that would be full again at `full_at`; give when it would be now.

    Both are microseconds of one clock; 0 is a budget that was never used. This is the generic cell
    rate algorithm, in the form of virtual scheduling (ITU-T I.371, annex A): `full_at` is the
    theoretical arrival time there. A budget is never filled later than one that is all used now:
    where that is what is kept, the clock was set back meanwhile.
    """
    full_at = min(max(full_at, now), now + rate.room)
    free = now + rate.room - full_at
    allowed = free >= rate.interval
    if allowed:
        full_at += rate.interval
        free -= rate.interval
    remaining, begun = divmod(free, rate.interval)
    return full_at, Verdict(allowed, remaining, (rate.interval - begun) / MICROSECONDS)
