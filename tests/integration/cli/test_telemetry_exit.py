"""The last lines of a process."""

import json
import subprocess
import sys

from tests.support.processes import environment

COUNT = 5_000
SCRIPT = f"""
import io, os, time
from loguru import logger
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import configure_logging

class Slow(io.StringIO):
    def write(self, text):
        time.sleep(0.3)
        os.write(2, text.encode())

configure_logging(Settings.read("dev", {{}}), Slow())
for number in range({COUNT}):
    logger.info("{{}}", number)
raise SystemExit(7)
"""


def test_every_line_is_written_before_the_process_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert done.returncode == 7
    assert messages == [str(number) for number in range(COUNT)]
