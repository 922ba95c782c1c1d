"""What holds for every test: how asserts speak, and what a started process inherits."""

import gc
import os
import signal
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.support.{module}"
        for module in ("http", "sse", "processes", "sockets", "inside", "uploads")
    ),
)

# A run that is told to end, or whose terminal goes, takes along what it has started.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler)

# A job that a shell starts in the background ignores Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REASON_MAX = 2_000  # characters
YOUNG_MAX = 10_000  # objects


def pytest_collection_finish() -> None:
    """Have the collector come seldom, as in the service, and leave the tests themselves alone.

    It took half a second at a time where several run at once, and some calls have hardly more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *gc.get_threshold()[1:])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep why a test failed where CI prints it last: of a long log only the end is looked at."""
    kept = os.environ.get("FAILURES_FILE")
    if kept and report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(kept).open("a") as file:
            file.write(f"{report.nodeid}, {report.when}:\n{report.longreprtext[-REASON_MAX:]}\n\n")
