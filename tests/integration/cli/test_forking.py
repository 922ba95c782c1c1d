"""What the other tests rely on when they start a command: its end is told to whoever waits."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.processes import Server

THREADS = 20


def test_every_thread_that_waits_for_a_process_is_told_how_it_ended(tmp_path: Path) -> None:
    with Server(tmp_path) as server, ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(server.wait) for _ in range(THREADS)]
        server.process.kill()
        assert [each.result() for each in waiting] == [-signal.SIGKILL] * THREADS
        server.process.kill()  # which is nobody any more
        assert server.process.poll() == -signal.SIGKILL
