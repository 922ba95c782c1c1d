"""Ctrl-C and other signals to end: what is under way is finished, or undone."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """Give an event that the first signal to end sets; the second ends the process at once.

    What is under way is finished then, and the command says how far it came.
    """
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    before = _handlers()

    def stop() -> None:
        event.set()
        for number in before:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in before:
        loop.add_signal_handler(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have every signal to end raise KeyboardInterrupt, as Ctrl-C does, so that `finally` runs."""
    before = _handlers()
    before.pop(signal.SIGINT, None)  # which does that, and in a loop better
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handlers() -> dict[signal.Signals, Any]:
    # What is ignored stays so: that is how nohup keeps a command alive.
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    return {n: handler for n, handler in handlers.items() if handler is not signal.SIG_IGN}
