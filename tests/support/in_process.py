"""Functions that are run in processes of their own."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from profilecore import GiveUp
from profilecore.adapters.pillow.confined import confined


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


def opened_while_confined(path: str) -> str:
    """What comes of it where a picture tries to read another file."""
    with confined():
        try:
            Path(path).read_text()
        except OSError as error:
            return error.strerror or ""
    return Path(path).read_text()


def written(path: str) -> str:
    try:
        Path(path).write_text("x")
    except OSError as error:
        return error.strerror or ""
    return "written"


def filled(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024 * 1024))


def bounded(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, most))


def bounds(kind: int) -> tuple[int, int]:
    return resource.getrlimit(kind)


def peak() -> int:
    """The most memory that this process has had, in MB; rusage has that of its parent too."""
    return _status("VmHWM")


def size() -> int:
    """Its address space, in MB."""
    return _status("VmSize")


def _status(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
