"""A stream that is written by a thread of its own."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TextIO, TypeAlias

Line: TypeAlias = str | tuple[Callable[..., str], tuple[Any, ...]]

WAITING_MAX: Final = 10_000
GATHERED: Final = 0.02


class LineWriter:
    """Takes lines without waiting for whoever reads them.

    loguru's own queue would do, but costs a process's pipe and a pickled record for each line,
    four times as much CPU in all. Where the reader is stuck, lines beyond `WAITING_MAX` are
    dropped and counted, so that a full pipe costs log lines and not the service. Those of
    `GATHERED` seconds are written together: a thread that wakes for each one takes the interpreter
    from the others.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[Line | threading.Event] = deque()
        self._woken = threading.Event()
        self._hurried = threading.Event()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: Line) -> None:
        """Have one line written soon; one that has yet to be made is made by the thread."""
        if len(self._lines) < WAITING_MAX:
            self._lines.append(line)
        else:
            self._dropped += 1
        if not self._woken.is_set():
            self._woken.set()

    def drain(self, timeout: float = 5.0) -> None:
        """Return when what was given before is written, or after `timeout` seconds."""
        written = threading.Event()
        self._lines.append(written)
        self._hurried.set()
        self._woken.set()
        written.wait(timeout)

    def stop(self) -> None:
        """Called by loguru when it lets go of this sink, at the latest at the interpreter's end."""
        self.drain()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._hurried.wait(GATHERED)
            self._hurried.clear()
            self._woken.clear()
            batch: list[str] = []
            waiting: list[threading.Event] = []
            for _ in range(len(self._lines)):
                self._sort(self._lines.popleft(), batch, waiting)
            if self._dropped:
                batch.append(f"{self._dropped} log lines were dropped: nobody reads them.\n")
                self._dropped = 0
            self._put("".join(batch))
            for event in waiting:
                event.set()

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody is there to read it, or to be told so

    @staticmethod
    def _sort(
        item: "Line | threading.Event", batch: list[str], waiting: list[threading.Event]
    ) -> None:
        if isinstance(item, str):
            batch.append(item)
        elif isinstance(item, threading.Event):
            waiting.append(item)
        else:
            make, values = item
            batch.append(make(*values))
