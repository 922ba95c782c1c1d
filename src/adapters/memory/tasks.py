"""Tasks in a dict. No verb awaits, so each is a transaction."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from profilecore.adapters.memory.receipts import MemoryReceipts
from profilecore.ending import TOLD, Ending
from profilecore.errors import ProfilecoreError
from profilecore.order import Order, as_json
from profilecore.schedule import Backlog, Claim, Claims, Mentions, TaskQuery
from profilecore.task import Status, Step, Task, key_taken, not_found


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryTasks:
    """The ports Tasks and TaskUpkeep; their clock is that of this machine, or `clock`.

    The receipts of orders go to `receipts`.
    """

    def __init__(
        self, clock: Callable[[], datetime] = _now, receipts: MemoryReceipts | None = None
    ) -> None:
        self._clock = clock
        self._receipts = receipts or MemoryReceipts(clock)
        self._rows: dict[UUID, Task] = {}
        self.endings: list[Ending] = []
        self.endings_trimmed = 0

    @property
    def last_ending(self) -> int:
        """The position of the newest end."""
        return self.endings[-1].position if self.endings else 0

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        return self.keep(orders)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        return {task_id: self._rows[task_id] for task_id in ids if task_id in self._rows}

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        found = sorted(filter(query.matches, self._rows.values()), key=lambda t: t.id, reverse=True)
        return found[: query.limit]

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        at = self._clock()
        return {task_id: self._take(task_id, step, at) for task_id, step in steps.items()}

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        at = self._clock()
        waiting = [(task.due_at, task) for task in self._rows.values() if task.due_at is not None]
        due = sorted(
            ((due_at, task) for due_at, task in waiting if due_at <= at),
            key=lambda pair: (-pair[1].priority, pair[0], pair[1].id),
        )
        until = at + lease
        for _, task in due[:limit]:
            self._rows[task.id] = replace(task, due_at=until, revision=task.revision + 1)
        later = [due_at - at for due_at, _ in waiting if due_at > at]
        return Claims(
            tuple(
                Claim(task.id, task.type, task.status, task.priority, task.fence, until, task.trace)
                for _, task in due[:limit]
            ),
            timedelta(0) if len(due) > limit else min(later, default=None),
        )

    async def backlog(self) -> Backlog:
        at = self._clock()
        open_ = [task for task in self._rows.values() if not task.finished]
        waiting = [task.run_at for task in open_ if task.status is not Status.RUNNING]
        oldest = max((at - run_at for run_at in waiting), default=timedelta(0))
        counts = Counter(task.status for task in self._rows.values() if not task.finished)
        return Backlog(counts, max(oldest, timedelta(0)))

    async def purge(self, older_than: timedelta) -> int:
        before = self._clock() - older_than
        gone = [t.id for t in self._rows.values() if t.finished and t.updated_at < before]
        for task_id in gone:
            del self._rows[task_id]
        return len(gone)

    async def mentions(self, word: str, after: UUID) -> Mentions:
        tasks = [task for task in self._rows.values() if task.id > after]
        found = [t.id for t in tasks if word in as_json(t.payload).lower()]
        return Mentions(tuple(sorted(found)), None)

    async def blank(self, ids: Collection[UUID], payload: Mapping[str, Any]) -> None:
        at = self._clock()
        for task in (await self.get(ids)).values():
            self._rows[task.id] = task.blanked(at, payload)

    def keep(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        """What `add` does, for those who write something else at the same time."""
        at = self._clock()
        return [self._add(order, at) for order in orders]

    def _add(self, order: Order, at: datetime) -> Task | ProfilecoreError:
        repeated = self._receipts.repeated(order.receipt)
        if repeated is not None:
            return repeated
        if order.id in self._rows:
            return self._rows[order.id]
        try:
            task = order.task(at)
        except ProfilecoreError as refusal:
            return refusal
        twin = self._twin(task)
        if twin is None:
            self._rows[task.id] = twin = task
            self._receipts.keep(order.receipt)
        return twin

    def _take(self, task_id: UUID, step: Step, at: datetime) -> Task | ProfilecoreError:
        if task_id not in self._rows:
            return not_found(task_id)
        try:
            task = step(self._rows[task_id], at)
        except ProfilecoreError as refusal:
            return refusal
        if self._twin(task) is not None:
            return key_taken(task)
        self._rows[task_id] = task
        if task.status in TOLD:
            self.endings.append(Ending.of(task, self.last_ending + 1))
        return task

    def _twin(self, task: Task) -> Task | None:
        """Another unfinished task of the same type and key."""
        if task.unique_key is None or task.finished:
            return None
        key = (task.type, task.unique_key)
        others = (other for other in self._rows.values() if other.id != task.id)
        return next((o for o in others if not o.finished and (o.type, o.unique_key) == key), None)
