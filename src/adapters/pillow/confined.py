"""Limits of a process that reads what strangers have sent."""

import math
import os
import resource
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MEMORY_MAX: Final = 768 * 1024 * 1024
"""Of address space. The worst of the pictures that are taken, a WebP, needs 570 MB."""
CPU_MAX: Final = 5
"""Seconds for a picture. The worst of those that are taken, a WebP with alpha, needs two."""
NICE: Final = 10
"""Behind those who answer requests, who need a core for a moment only."""


@contextmanager
def confined() -> Iterator[None]:
    """Confine this process: to so much memory for good, to so much CPU time from now on.

    It writes no file and no core for good either, and within opens none. At the end of its CPU
    time it is killed, as Python would not notice the signal before the library returns.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < NICE:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    _lower(resource.RLIMIT_AS, MEMORY_MAX)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    # The hard limit stays as it is, so that the next picture gets time of its own.
    _bound(resource.RLIMIT_CPU, math.ceil(time.process_time()) + CPU_MAX)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    _bound(resource.RLIMIT_NOFILE, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote the file, and there is a log
            yield
    finally:
        _bound(resource.RLIMIT_NOFILE, files)


def _lower(kind: int, most: int) -> None:
    """Set both limits; where the process was confined more tightly, that stays."""
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (least, least))


def _bound(kind: int, most: int) -> None:
    """Set the limit that can be taken back."""
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (least, hard))
