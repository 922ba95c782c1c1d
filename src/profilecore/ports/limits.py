"""Who keeps count of what somebody asks for."""

from typing import Protocol

from profilecore.limits import Rate, Verdict


class Limiter(Protocol):
    """Budgets by key, each of which is full until something is taken from it."""

    async def take(self, key: str, rate: Rate) -> Verdict:
        """Take one, if there is one; in one step, whoever else takes from the same budget.

        A key may be any text, and comes with the same rate each time. A budget that was not used
        for as long as it takes to fill it is as good as new, and need not be kept.
        """
        ...


class SharedLimiter(Limiter, Protocol):
    """Budgets of several processes, each of which says now and then that it is there.

    It may be away for a while, and each process then lets through a share of its own. So that
    nothing is let through twice, all budgets are all used at the moment when they go back to it.
    """

    async def join(self) -> int:
        """Say that this process takes from here; give how many do."""
        ...

    async def rejoin(self) -> float:
        """Say that this process let through its share; give the seconds until it may join.

        That is one moment for all who come back from the same outage.
        """
        ...
