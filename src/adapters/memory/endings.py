"""How tasks have ended, in a list."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from profilecore.adapters.memory.tasks import MemoryTasks
from profilecore.ending import Ending
from profilecore.errors import NotFound


class MemoryEndings:
    """The Endings port on a MemoryTasks."""

    def __init__(self, tasks: MemoryTasks) -> None:
        self._tasks = tasks

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        if not self._tasks.endings_trimmed <= after <= self._tasks.last_ending:
            raise NotFound(f"The ends of tasks do not go on from {after}.", code="position_gone")
        start = bisect_right(self._tasks.endings, after, key=lambda ending: ending.position)
        return self._tasks.endings[start : start + limit]

    async def position(self) -> int:
        return self._tasks.last_ending

    async def trim(self, older_than: datetime) -> int:
        tasks = self._tasks
        old = list(takewhile(lambda ending: ending.at < older_than, tasks.endings[:-1]))
        if old:
            tasks.endings_trimmed = old[-1].position
            del tasks.endings[: len(old)]
        return len(old)
