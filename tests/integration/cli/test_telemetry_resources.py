"""What a process takes from its machine."""

import asyncio
import shutil
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from profilecore.entrypoints.telemetry import Disk, LoopLag, Resources


async def test_a_blocked_loop_shows() -> None:
    registry = CollectorRegistry()
    lag = LoopLag(registry)
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.3)
    assert lag.seconds < 0.2
    time.sleep(0.6)  # noqa: ASYNC251 - the blocking that is to be seen
    await asyncio.sleep(0.05)
    watching.cancel()
    assert 0.3 < lag.seconds < 1.0
    assert registry.get_sample_value("process_loop_lag_seconds") == lag.seconds


def test_resources_are_there_and_plausible(tmp_path: Path) -> None:
    resources = Resources(tmp_path / "not" / "yet", LoopLag(CollectorRegistry()))
    values = resources.read()
    assert set(values) == {
        *("rss_bytes", "cpu_percent", "open_files", "loop_lag_ms", "disk_free_bytes")
    }
    assert values["rss_bytes"] > 1_000_000
    assert values["open_files"] >= 3
    assert values["disk_free_bytes"] > 0


def test_resources_are_measured_once_a_second_at_most(tmp_path: Path) -> None:
    now = 100.0
    resources = Resources(tmp_path, LoopLag(CollectorRegistry()), clock=lambda: now)
    first = resources.read()
    now = 100.9
    assert resources.read() is first
    now = 101.0
    assert resources.read() is not first


def test_the_disk_is_that_of_the_data(tmp_path: Path) -> None:
    """Also where the folder is made later."""
    registry = CollectorRegistry()
    Disk(registry, tmp_path / "not" / "yet")
    free = registry.get_sample_value("data_disk_free_bytes")
    size = registry.get_sample_value("data_disk_size_bytes")
    assert free is not None
    assert size == shutil.disk_usage(tmp_path).total
    assert 0 < free < size
