"""A stream that is written by a thread of its own."""

import queue
import threading
from typing import Final, TextIO

WAITING_MAX: Final = 10_000


class LineWriter:
    """Takes lines without waiting for whoever reads them.

    loguru's own queue would do, but costs a process's pipe and a pickled record for each line,
    four times as much CPU in all. Where the reader is stuck, lines beyond `WAITING_MAX` are
    dropped and counted, so that a full pipe costs log lines and not the service.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have one line written soon."""
        if self._lines.qsize() < WAITING_MAX:
            self._lines.put(line)
        else:
            self._dropped += 1

    def drain(self, timeout: float = 5.0) -> None:
        """Return when what was given before is written, or after `timeout` seconds."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(timeout)

    def stop(self) -> None:
        """Called by loguru when it lets go of this sink, at the latest at the interpreter's end."""
        self.drain()

    def _run(self) -> None:
        while True:
            batch: list[str] = []
            waiting: list[threading.Event] = []
            self._sort(self._lines.get(), batch, waiting)
            for _ in range(self._lines.qsize()):
                self._sort(self._lines.get(), batch, waiting)
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
        item: "str | threading.Event", batch: list[str], waiting: list[threading.Event]
    ) -> None:
        if isinstance(item, str):
            batch.append(item)
        else:
            waiting.append(item)
