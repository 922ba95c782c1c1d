"""What runs in the process, and what goes in and out of it."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from profilecore.errors import Invalid

_NO_PICKLE: Final = (
    *(pickle.PickleError, TypeError, ValueError),
    *(AttributeError, ImportError, RecursionError),
)


def serve(pipe: Connection) -> None:
    """Answer requests until the parent is gone."""
    # A terminal or a service manager tells each process of a group to end: when, its parent says.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with suppress(EOFError, OSError):  # it has gone
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))


def request_of(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """What the process is sent."""
    with _handed_over(f"{getattr(function, '__qualname__', function)} with its arguments"):
        return pickle.dumps((function, arguments))


def opened(answer: bytes) -> Any:
    """What the function gave; raises what it raised, with the traceback as a note."""
    with _handed_over("what it gave or raised"):
        result, error, trace = pickle.loads(answer)  # noqa: S301 - from our own child
    if error is not None:
        error.add_note(trace)
        raise error
    return result


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _answer(request: bytes) -> bytes:
    try:
        with _handed_over("the function or its arguments"):
            function, arguments = pickle.loads(request)  # noqa: S301 - from our parent
        result = function(*arguments)
        with _handed_over("the result"):
            return pickle.dumps((result, None, ""))
    except BaseException as error:  # SystemExit too: it is the task's, and not this process'
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    trace = traceback.format_exc()
    told = pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}"), trace))
    if not isinstance(error, Exception) or isinstance(error, StopIteration):
        return told
    try:
        answer = pickle.dumps((None, error, trace))
        pickle.loads(answer)  # noqa: S301 - one whose constructor takes other arguments cannot be
    except Exception:  # whatever its own methods raise
        return told
    return answer


@contextmanager
def _handed_over(what: str) -> Iterator[None]:
    """Say, as Invalid, that something cannot go from one process to another."""
    try:
        yield
    except _NO_PICKLE as error:
        raise Invalid(
            f"A process cannot hand over {what}: {error}. A function has to stand at the top of a"
            " module, and takes and gives what JSON has."
        ) from error
