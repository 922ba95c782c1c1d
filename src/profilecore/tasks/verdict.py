"""What becomes of a task, by the way in which its run has ended."""

import json
import logging
from datetime import datetime
from typing import Final

from profilecore.order import DEPTH_MAX, as_json, is_deep
from profilecore.task import Step, Task
from profilecore.tasks.handlers import GiveUp, Handler, Stopped
from profilecore.tasks.running import Run, Why

RESULT_MAX: Final = 256 * 1024  # bytes of JSON

_logger = logging.getLogger(__name__)


def verdict(run: Run, handler: Handler) -> Step | None:
    """The step that settles its task; None where it is not, or should not be, this one's to do.

    What was done in spite of an end to its time, or of a cancellation, is done.
    """
    done = run.work.done() and not run.work.cancelled()
    error = run.work.exception() if done else None
    if done and error is None:
        return _done(run)
    if run.why is Why.TIME:
        return _failed(run, f"took longer than {handler.timeout.total_seconds():g} s")
    if not run.work.done():
        # It may go on until its process has ended; nobody else may begin before that.
        return None
    if error is None or isinstance(error, Stopped):
        return _gave_way(run)
    _logger.warning("a task of type %s failed", run.task.type, exc_info=error)
    return _failed(run, _said(error), final=isinstance(error, GiveUp))


def _done(run: Run) -> Step:
    fence = run.task.fence
    try:
        text = as_json(run.work.result())
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        return _failed(run, f"its result is not JSON: {error}")
    if size > RESULT_MAX:
        most = f"{RESULT_MAX:,} is the most that is kept"
        return _failed(run, f"its result has {size:,} bytes, and {most}")
    if is_deep(run.work.result()):
        return _failed(run, f"its result has more than {DEPTH_MAX} values inside one another")
    result = json.loads(text)  # as every store gives it back: lists for tuples, plain values
    return lambda task, at: task.succeeded(at, fence, result)


def _gave_way(run: Run) -> Step | None:
    fence = run.task.fence
    match run.why:
        case Why.CANCELLED:
            return lambda task, at: task.stopped(at, fence)
        case Why.STOPPING:
            return lambda task, at: task.handed_back(at, fence)
        case Why.LOST:
            return None
        case _:
            return _failed(run, "stopped, and nobody had asked for it")


def _failed(run: Run, text: str, *, final: bool = False) -> Step:
    def step(task: Task, at: datetime) -> Task:
        return task.failed(at, run.task.fence, text, final=final)

    return step


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
