"""The thread that writes log lines."""

import io
import threading

from profilecore.entrypoints.telemetry.writer import WAITING_MAX, LineWriter


class Slow(io.StringIO):
    """A reader that is stuck until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.stuck.set()
        self.go.wait(10)
        return super().write(text)


class Gone(io.StringIO):
    """A reader that hangs up for the first write."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        if self.tries == 1:
            raise BrokenPipeError
        return super().write(text)


def test_lines_come_out_in_order_and_whole() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    lines = [f"{index}\n" for index in range(5_000)]
    for line in lines:
        writer.write(line)
    writer.stop()
    assert stream.getvalue() == "".join(lines)


def test_a_stuck_reader_holds_nobody_up_and_is_told_what_it_missed() -> None:
    stream = Slow()
    writer = LineWriter(stream)
    writer.write("first\n")
    assert stream.stuck.wait(10)
    for _ in range(WAITING_MAX + 7):
        writer.write("x\n")
    writer.drain(timeout=0.01)
    stream.go.set()
    writer.drain()
    writer.write("last\n")
    writer.drain()
    assert stream.getvalue().count("x\n") == WAITING_MAX
    assert "7 log lines were dropped" in stream.getvalue()
    assert stream.getvalue().endswith("last\n")


def test_a_reader_that_hung_up_does_not_end_the_thread() -> None:
    stream = Gone()
    writer = LineWriter(stream)
    writer.write("lost\n")
    writer.drain()
    writer.write("kept\n")
    writer.drain()
    assert stream.getvalue() == "kept\n"


def test_a_closed_stream_ends_nothing_either() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    stream.close()
    writer.write("lost\n")
    writer.drain(timeout=5)
