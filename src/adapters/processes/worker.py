"""One process, as its parent sees it."""

import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

from profilecore.adapters.processes.served import serve
from profilecore.errors import Unavailable
from profilecore.ports import ProcessDied

# Nothing of this process but what is handed over: not its threads, locks and connections.
_SPAWN: Final = multiprocessing.get_context("spawn")
# Whoever starts a process also looks for those that have ended, and would take the exit code of
# one that another waits for.
_children: Final = threading.Lock()


class Worker:
    """A process that is started by its first call. `call` blocks, and `kill` makes it return."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._doomed = False

    @property
    def usable(self) -> bool:
        """Whether it can take another call."""
        return not self._doomed and self._process is not None

    def call(self, request: bytes) -> bytes:
        """Give the answer to a request. Raises ProcessDied where its process ends before."""
        pipe = self._ready()
        try:
            pipe.send_bytes(request)
            return pipe.recv_bytes()
        except (OSError, EOFError) as error:
            raise _death(self.join()) from error

    def kill(self) -> None:
        """End it, or have it end as soon as it has begun."""
        self._doomed = True
        process = self._process
        if process is not None:
            process.kill()

    def join(self) -> int | None:
        """Wait for its end, which must be near; give its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        wait([process.sentinel])
        with _children:
            process.join()
        return process.exitcode

    def _ready(self) -> Connection:
        if self._process is not None and wait([self._process.sentinel], timeout=0):
            self.join()  # it was ended from outside while nobody needed it
        if self._process is None or self._pipe is None:
            self._pipe = self._start()
        return self._pipe

    def _start(self) -> Connection:
        try:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=serve, args=(theirs,), name="task", daemon=True)
            with theirs, _children:
                process.start()
        except OSError as error:
            raise Unavailable(f"No process could be started: {error}.") from error
        self._process = process
        if self._doomed:
            process.kill()
        return ours


def _death(code: int | None) -> ProcessDied:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ", perhaps because the memory was full" if name == "SIGKILL" else ""
        return ProcessDied(f"Its process was ended by {name}{hint}.", signal=-code)
    return ProcessDied(f"Its process ended with exit code {code} before the function did.")
