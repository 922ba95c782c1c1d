"""What the process takes from its machine: cheap enough to be asked by every probe."""

import asyncio
import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Gauge

INTERVAL: Final = 0.25
WINDOW: Final = 15.0
KEPT_FOR: Final = 1.0


class LoopLag:
    """How late the event loop woke a sleeping task, at worst, within the last 15 s.

    That is as long as something may have blocked it. 15 s are a usual time between two scrapes.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._samples: deque[float] = deque([0.0], maxlen=round(WINDOW / INTERVAL))
        gauge = Gauge(
            "process_loop_lag_seconds",
            "How late the event loop was at worst within 15 s.",
            registry=registry,
        )
        gauge.set_function(lambda: self.seconds)

    @property
    def seconds(self) -> float:
        """The worst of the last samples."""
        return max(self._samples)

    async def watch(self) -> None:
        """Take samples until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(INTERVAL)
            self._samples.append(max(0.0, time.monotonic() - before - INTERVAL))


class Disk:
    """Metrics `data_disk_…`: the disk that `data_dir` is on, or will be."""

    def __init__(self, registry: CollectorRegistry, data_dir: Path) -> None:
        free = Gauge(
            "data_disk_free_bytes", "Free space on the disk of `DATA_DIR`.", registry=registry
        )
        size = Gauge("data_disk_size_bytes", "Size of the disk of `DATA_DIR`.", registry=registry)
        free.set_function(lambda: shutil.disk_usage(_existing(data_dir)).free)
        size.set_function(lambda: shutil.disk_usage(_existing(data_dir)).total)


class Resources:
    """Memory, CPU, files, loop and disk of this process, as `/health` shows them."""

    def __init__(
        self, data_dir: Path, lag: LoopLag, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._data_dir = data_dir
        self._lag = lag
        self._clock = clock
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only starts the measurement
        self._read_at = float("-inf")
        self._values: dict[str, float] = {}

    def read(self) -> dict[str, float]:
        """The values now, or those of up to a second ago: CPU needs a span to be measured over."""
        if self._clock() - self._read_at >= KEPT_FOR:
            self._read_at = self._clock()
            self._values = self._measure()
        return self._values

    def _measure(self) -> dict[str, float]:
        with self._process.oneshot():
            values: dict[str, float] = {
                "rss_bytes": self._process.memory_info().rss,
                "cpu_percent": self._process.cpu_percent(),
                "open_files": self._process.num_fds() if os.name == "posix" else 0,
            }
        values["loop_lag_ms"] = round(self._lag.seconds * 1000, 3)
        values["disk_free_bytes"] = shutil.disk_usage(_existing(self._data_dir)).free
        return values


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())
