"""Where tasks are kept, and how those that are due reach whoever runs them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from profilecore.ending import Ending
from profilecore.errors import ProfilecoreError
from profilecore.order import Order
from profilecore.schedule import Backlog, Claims, Mentions, TaskQuery
from profilecore.task import Step, Task


class Tasks(Protocol):
    """The tasks that there are: the truth, and the schedule.

    One clock decides what is due, and it is the store's: it dates every step.
    """

    async def add(self, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
        """Keep what was ordered; give in order the task, or why it is refused, of each.

        Durable when it returns. Where an unfinished task of the same type has the same
        `unique_key`, that one is given and nothing is added. Adding an id again gives what is
        there. Refusals are those of `Order.task`.

        An order's receipt is kept in the same transaction, if its task was added. Where the key of
        that is kept and has not ended, the outcome is Repeated, whatever else there is to say, and
        nothing is added.
        """
        ...

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Task]:
        """Read any number of tasks; what is not there is left out."""
        ...

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        """Give at most `query.limit` tasks that match, the newest (greatest id) first."""
        ...

    async def write(self, steps: Mapping[UUID, Step]) -> dict[UUID, Task | ProfilecoreError]:
        """Take each task one step on from what is stored, by the store's clock.

        A step is called with the stored task and the time, perhaps in another thread, perhaps
        again where another writer was faster, and what it gives is stored before anybody sees
        something in between; what it raises is that task's outcome, and nothing of it is stored.
        NotFound for one that is not there; Conflict `task_state` where its `unique_key` would be
        that of two unfinished tasks. The steps of one call do not depend on one another. A step
        to an end that is TOLD appends that to `Endings`, in the same transaction.
        """
        ...

    async def claim(self, limit: int, lease: timedelta) -> Claims:
        """Take at most `limit` tasks that are due, so that nobody else does so for `lease`.

        Those of the highest priority first, within one the longest due. That is all that changes:
        `due_at` is moved to the end of the lease.
        """
        ...


class TaskUpkeep(Protocol):
    """What is done to tasks as a whole."""

    async def backlog(self) -> Backlog:
        """Count the tasks that are not finished, and look how long the oldest is due."""
        ...

    async def purge(self, older_than: timedelta) -> int:
        """Forget the tasks that ended longer ago than that; give their number.

        May be repeated.
        """
        ...

    async def mentions(self, word: str, after: UUID) -> Mentions:
        """Look through some of the tasks beyond `after`, in order of id, for a word.

        They mention it where it is anywhere in the JSON of their payload, in either case of its
        letters; `word` is in lower case, and of letters, digits and hyphens. There is no index for
        it: a call looks at no more than it can in time, and says where to go on.
        """
        ...

    async def blank(self, ids: Collection[UUID], payload: Mapping[str, Any]) -> None:
        """Take away what tasks say, as `Task.blanked` does, by the store's clock.

        What is not there is passed over. May be repeated.
        """
        ...


class Endings(Protocol):
    """How tasks have ended, in order of position: what `Tasks.write` appended."""

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        """Give at most `limit` ends with a position greater than `after`, oldest first.

        A position once passed is never filled later. Raises NotFound `position_gone` where ends
        after it have been trimmed, and where `after` is not of these: beyond the newest, or of
        what was lost in a fail-over.
        """
        ...

    async def position(self) -> int:
        """Give the position of the newest end, 0 where there was none."""
        ...

    async def trim(self, older_than: datetime) -> int:
        """Forget the oldest ends, up to the first that is not before that time.

        Gives their number. The newest is always kept, so that `position` never goes back.
        May be repeated.
        """
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A task that is due, as it is handed over.

    `queue` is the name of the one that its type goes to; `headers` travel with it, such as the id
    of the request that it came from.
    """

    task_id: UUID
    queue: str = "default"
    priority: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """A task in the hands of one taker: it was delivered `delivery` times (1, 2, …) so far.

    `handle` means something to the adapter alone. `headers` are those that it was handed over
    with, and perhaps some of whoever carried them.
    """

    task_id: UUID
    delivery: int
    handle: object
    headers: Mapping[str, str] = field(default_factory=dict)


class Queue(Protocol):
    """Ids of tasks that are due, at least once each. The tasks themselves are in their store.

    An adapter is told at its making from which queues it takes; it hands over to any.
    """

    async def put(self, due: Due) -> None:
        """Hand over one task; when this returns, it is kept. Higher priorities are taken first.

        Putting the same id again makes a second delivery.
        """
        ...

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - bounded in the adapter
        """Wait at most `timeout` seconds for a task; None where none came.

        Nobody else gets it until the lease is settled by one of the three verbs below, or its
        taker is lost.
        """
        ...

    async def ack(self, lease: Lease) -> None:
        """Done: it never comes back. A lease that is not held any more is ignored."""
        ...

    async def retry(self, lease: Lease) -> None:
        """Give it back: it is delivered again, with `delivery` + 1."""
        ...

    async def bury(self, lease: Lease) -> None:
        """Set it aside where an operator can find it; it is not delivered again."""
        ...
