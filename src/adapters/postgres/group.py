"""Group commit: what waits is sent as one call, one transaction and one flush to the disk."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from profilecore.adapters.postgres.errors import BUSY, LATE
from profilecore.errors import Invalid, ProfilecoreError, Unavailable

J = TypeVar("J")
A = TypeVar("A")

GROUP_MAX: Final = 128
WORTH_A_CALL: Final = 16
CHANGES_MAX: Final = 1_000
WAITING_MAX: Final = 2_000


@dataclass(slots=True, eq=False)
class _Job(Generic[J, A]):
    work: J
    size: int
    begun: bool = False
    future: asyncio.Future[A] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def give_up(self) -> None:
        """Its caller has waited for long enough."""
        if not self.future.done():
            late = Unavailable(LATE) if self.begun else Unavailable(BUSY, retry_after=2)
            self.future.set_exception(late)


class Group(Generic[J, A]):
    """Sends what waits as soon as what was sent before is answered.

    With `at_once` above 1 it does not wait for that once `WORTH_A_CALL` jobs wait: up to so many
    calls are under way, and the database works while this process makes the next.

    `send` gives one answer for each job, in order; it may be called with fewer again where it
    raises Invalid. A job is refused where `WAITING_MAX` others wait, and answered within `wait_max`
    seconds. A caller that is cancelled takes its job back if that has not begun; one that has
    begun is finished.
    """

    def __init__(
        self,
        send: Callable[[Sequence[J]], Awaitable[Sequence[A]]],
        wait_max: float,
        *,
        at_once: int = 1,
    ) -> None:
        self._to = send
        self._wait_max = wait_max
        self._at_once = at_once
        self._waiting: deque[_Job[J, A]] = deque()
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, work: J, size: int = 1) -> A:
        """Give the answer to a job, of which a group has not more than `CHANGES_MAX` in size."""
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable(BUSY, retry_after=2)
        job: _Job[J, A] = _Job(work, size)  # without types, which cost as much as all the rest
        self._waiting.append(job)
        if not self._sending or (
            len(self._sending) < self._at_once and len(self._waiting) >= WORTH_A_CALL
        ):
            self._sending.add(asyncio.create_task(self._send()))
        late = asyncio.get_running_loop().call_later(self._wait_max, job.give_up)
        try:
            return await job.future
        finally:
            late.cancel()

    async def close(self) -> None:
        """Finish what was accepted."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def _send(self) -> None:
        try:
            while group := self._group():
                await self._settle(group)
        finally:  # also where it is cancelled, or `close` would wait for it for ever
            self._sending -= {asyncio.current_task()}

    def _group(self) -> list[_Job[J, A]]:
        group: list[_Job[J, A]] = []
        size = 0
        while self._waiting and len(group) < GROUP_MAX:
            if group and size + self._waiting[0].size > CHANGES_MAX:
                break
            job = self._waiting.popleft()
            if not job.future.done():  # its caller has not given up
                job.begun = True
                group.append(job)
                size += job.size
        return group

    async def _settle(self, group: list[_Job[J, A]]) -> None:
        try:
            answers = await self._to([job.work for job in group])
        except Invalid as error:
            # Nothing of the group was written. Whose value it was shows when each goes alone.
            if len(group) > 1:
                for job in group:
                    await self._settle([job])
            else:
                _fail(group, error)
        except Exception as error:  # whatever it was, somebody waits for it
            _fail(group, error)
        else:
            for job, answer in zip(group, answers, strict=True):
                if not job.future.done():
                    job.future.set_result(answer)


def _fail(group: list[_Job[J, A]], error: Exception) -> None:
    for job in group:
        if not job.future.done():
            job.future.set_exception(_copy(error))


def _copy(error: Exception) -> Exception:
    """An exception of its own for each of those who get it, with the same cause."""
    if not isinstance(error, ProfilecoreError):
        return error
    copy = type(error)(error.detail, code=error.code)
    if isinstance(error, Unavailable) and isinstance(copy, Unavailable):
        copy.retry_after = error.retry_after
    copy.__cause__ = error.__cause__
    return copy
