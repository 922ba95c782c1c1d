"""What holds for every test: how asserts speak, and what a started process inherits."""

import signal

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
