"""One run of a handler: in the loop, in a thread or in a process, and how it is made to end."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final, Protocol

from profilecore.ports import Processes
from profilecore.task import Task
from profilecore.tasks.handlers import Context, Handler

END_MAX: Final = 2.0
"""How many seconds a handler has to end once its time is over."""

_ASKED: Final = "asked to end"


class Runs(Protocol):
    """Whoever runs handlers."""

    async def run(self, handler: Handler, context: Context, payload: Mapping[str, Any]) -> Any:
        """Give what the handler gave."""
        ...


class Runner:
    """Runs handlers, each in the way that it is made for."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    async def run(self, handler: Handler, context: Context, payload: Mapping[str, Any]) -> Any:
        """Give what the handler gave."""
        if handler.process:
            return await self._processes.run(handler.run, context.attempt, dict(payload))
        if _is_async(handler.run):
            try:
                return await handler.run(context, payload)
            except SystemExit as error:  # it would end the loop, and all that runs in it
                raise RuntimeError(f"SystemExit: {error}") from error
        return await _in_thread(lambda: handler.run(context, payload))


def _is_async(call: Callable[..., Any]) -> bool:
    # An object may have it in its __call__.
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


class Why(Enum):
    """Why a run is made to end before it has done so by itself."""

    TIME = auto()
    CANCELLED = auto()
    STOPPING = auto()
    LOST = auto()


class Run:
    """A run under way; `over` is done when it has ended, or was made to and does not."""

    def __init__(self, task: Task, context: Context, work: "asyncio.Task[Any]") -> None:
        self.task = task
        self.context = context
        self.work = work
        self.why: Why | None = None
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self._loop.create_future()
        work.add_done_callback(lambda _: self._finish())

    def end_after(self, time: timedelta) -> asyncio.TimerHandle:
        """Have it end at the latest after so long."""
        return self._loop.call_later(time.total_seconds(), self.end, Why.TIME)

    def end(self, why: Why) -> None:
        """Make it end. Only one that was cancelled is waited for as long as its time allows."""
        if self.why in (None, Why.CANCELLED) and not self.work.done():
            self.why = why
            self.context.cancel()
            self.work.cancel(_ASKED)
            if why is not Why.CANCELLED:
                self._loop.call_later(END_MAX, self._finish)

    def _finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


_STRAY: Final = (StopIteration, SystemExit, KeyboardInterrupt, asyncio.CancelledError)


async def _in_thread(call: Callable[[], Any]) -> Any:
    """Call in a thread that nobody has to wait for at the end of the process.

    A thread cannot be ended from outside: where its run is asked to end, that is waited for; but
    not where the loop itself ends, and cancels what is left in it.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(error: BaseException | None, result: Any) -> None:
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def run() -> None:
        error, result = None, None
        try:
            result = context.run(call)
        except BaseException as raised:  # SystemExit too: a thread's error is its task's
            # A future cannot carry these, nor may they end the loop, or look like a cancellation.
            stray = isinstance(raised, _STRAY)
            error = RuntimeError(f"{type(raised).__name__}: {raised}") if stray else raised
        try:
            loop.call_soon_threadsafe(settle, error, result)
        except RuntimeError:
            return  # the loop has ended before this

    context = contextvars.copy_context()
    threading.Thread(target=run, name="task", daemon=True).start()
    while True:
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError as cancelled:
            if cancelled.args != (_ASKED,):
                raise
