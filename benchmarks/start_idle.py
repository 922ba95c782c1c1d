"""How long `profilecore dev` takes to its first answer, and what it costs when nothing happens."""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks._report import Report
from tests.support.processes import COMMAND, Server, environment

STARTS = 5
IDLE = 20.0


def main() -> None:
    report = Report("start and idle of `profilecore dev`")
    with tempfile.TemporaryDirectory() as folder:
        starts = [start(Path(folder)) for _ in range(STARTS)]
        report.at_most(f"start to ready, median of {STARTS}", statistics.median(starts), 2.0, "s")
        report.at_most("start to ready, slowest", max(starts), 2.0, "s")
        with Server(Path(folder)) as server:
            process = psutil.Process(server.process.pid)
            time.sleep(2)
            before = process.cpu_times()
            time.sleep(IDLE)
            after = process.cpu_times()
            cpu = (after.user + after.system - before.user - before.system) / IDLE * 100
            report.at_most(f"CPU when idle, over {IDLE:g} s", cpu, 1.0, "%")
            report.at_most("memory when idle", process.memory_info().rss / 2**20, 120, "MB")
    report.end()


def start(folder: Path) -> float:
    """Seconds from the start of the command to the first 200 of /health/ready."""
    with Server(folder) as probe:  # finds a port that is free, and is gone again
        port = probe.port
    began = time.perf_counter()
    process = subprocess.Popen(
        [COMMAND, "dev"],
        cwd=folder,
        env=environment(SERVER_PORT=str(port)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(trust_env=False) as client:
            while not ready(client, port):
                time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()


def ready(client: httpx.Client, port: int) -> bool:
    try:
        return client.get(f"http://127.0.0.1:{port}/health/ready").is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
