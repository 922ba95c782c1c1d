"""Group commit: the writes that wait are one transaction, and one flush to the disk."""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from profilecore.adapters.sqlite.errors import meaning, translated
from profilecore.errors import ProfilecoreError, Unavailable

T = TypeVar("T")

GROUP_MAX: Final = 128
WAITING_MAX: Final = 2_000
WAIT_MAX: Final = 5.0


@dataclass(slots=True, eq=False)
class _Job:
    run: Callable[[sqlite3.Connection], Any]
    refused_at: float
    future: asyncio.Future[Any]


_Outcome: TypeAlias = tuple[Any, Exception | None]


class Writer:
    """One thread with the one connection that writes.

    A job is refused unrun where `WAITING_MAX` others wait, or once it has waited for `WAIT_MAX`
    seconds; then it has had no effect. A caller that is cancelled takes its job back if that has
    not begun. Where the commit fails, all of its group fail.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._draining = False
        self._closed = False

    async def run(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `run` gave, once it is durable."""
        future = asyncio.get_running_loop().create_future()
        job = _Job(run, time.monotonic() + WAIT_MAX, future)
        with self._lock:
            if self._closed:
                raise Unavailable("The database is closed.")
            if len(self._waiting) >= WAITING_MAX:
                raise _overloaded()
            self._waiting.append(job)
            if not self._draining:
                self._draining = True
                self._executor.submit(self._drain)
        result: T = await future
        return result

    def close(self) -> None:
        """Finish what was accepted, and accept no more. Blocks."""
        with self._lock:
            self._closed = True
        self._executor.shutdown()

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._draining = False
                    return
                group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
            group = [job for job in group if not job.future.cancelled()]
            if group:
                self._settle(group)

    def _settle(self, group: list[_Job]) -> None:
        now = time.monotonic()
        late = [job for job in group if now > job.refused_at]
        wanted = [job for job in group if now <= job.refused_at]
        try:
            with translated():
                outcomes = self._commit(wanted)
        except Exception as error:  # whatever it was, somebody waits for it
            outcomes = [(None, _failed(error)) for _ in wanted]
        outcomes += [(None, _overloaded()) for _ in late]
        # One call for all of them: to wake the loop costs as much as a job.
        loop = group[0].future.get_loop()
        with suppress(RuntimeError):  # where the loop has ended, nobody waits any more
            loop.call_soon_threadsafe(_tell, [*wanted, *late], outcomes)

    def _commit(self, group: list[_Job]) -> list[_Outcome]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(job) for job in group]
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # does nothing after the commit, or where the library did it
        return outcomes

    def _attempt(self, job: _Job) -> _Outcome:
        """Run one job; where it is refused, what it did so far is undone, and the others stay."""
        self._connection.execute("SAVEPOINT job")
        outcome: _Outcome
        try:
            outcome = self._result(job), None
        except sqlite3.Error:
            raise  # the whole transaction is in doubt
        except Exception as refusal:
            self._connection.execute("ROLLBACK TO job")
            outcome = None, meaning(refusal)
        self._connection.execute("RELEASE job")
        return outcome

    def _result(self, job: _Job) -> Any:
        result = job.run(self._connection)
        if isinstance(result, sqlite3.Cursor):
            # Where another thread lets go of it, that resets what this one may be running.
            raise TypeError("a cursor must stay in the thread that writes")
        return result


def _tell(group: list[_Job], outcomes: list[_Outcome]) -> None:
    for job, (result, error) in zip(group, outcomes, strict=True):
        if job.future.done():
            continue  # its caller was cancelled meanwhile
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)


def _overloaded() -> Unavailable:
    return Unavailable("Too many writes are waiting for the database.", retry_after=2)


def _failed(error: Exception) -> Exception:
    """An exception of its own for each of those who get it, with the same cause."""
    if not isinstance(error, ProfilecoreError):
        return error
    failed = Unavailable(error.detail, code=error.code)
    failed.__cause__ = error.__cause__
    return failed
