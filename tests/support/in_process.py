"""Functions that are run in processes of their own."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from profilecore import GiveUp


class TwoFold(Exception):
    """Cannot be made anew from what it keeps."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


class Spiteful(Exception):
    def __reduce__(self) -> Any:
        raise KeyError("no")


def pid() -> int:
    return os.getpid()


def add(a: int, b: int) -> int:
    return a + b


def never(told: str) -> None:
    """Say its pid, and go on for ever, whatever it is asked for."""
    Path(told).write_text(str(os.getpid()))
    while True:
        time.sleep(1)


def exits(code: int) -> None:
    os._exit(code)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leaves() -> None:
    sys.exit(7)


def gives_up() -> None:
    raise GiveUp("it is of no use")


def two_fold() -> None:
    raise TwoFold("this", "that")


def spiteful() -> None:
    raise Spiteful("ha")


def stops() -> None:
    raise StopIteration(1)


def unpicklable() -> object:
    return threading.Lock()


def unpicklable_function() -> object:
    return lambda: 1


def prints() -> str:
    """As functions do, and the programs that they start."""
    print("to standard output")
    return subprocess.run(["cat"], check=True, capture_output=True, text=True).stdout


def terminated() -> str:
    """What a service manager sends to all processes that it stops."""
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    return "still here"
