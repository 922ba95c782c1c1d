"""Starts `profilecore` as a fork of a process that has imported it, which is most of a start.

So are the programs of tests that change it and then run it. A process that is told something which
Python, or the loader, reads before any of our code is started as users start it, and so are those
of tests/e2e/test_wheel.py.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

COMMAND: Final = str(Path(sys.executable).with_name("profilecore"))
_ROOT: Final = Path(__file__).parents[2]
_READ_BEFORE: Final = ("PYTHON", "LD_", "LC_", "LANG", "LOGURU_", "MALLOC_")
_SOUGHT_IN: Final = "PYTHONPATH"  # which a fork can begin to heed
_ORDER_MAX: Final = 1 << 17  # bytes
_READY: Final = b"!"
_PROGRAM: Final = """
import sys
from tests.support.forking import forks, leave
if forks({}):
    leave()
"""


def script_of(program: Sequence[str], given: Mapping[str, str]) -> str | None:
    """What a fork would run; None where it would not be the same as a start."""
    for name, value in given.items():
        if name.startswith(_READ_BEFORE) and value != os.environ.get(name) and name != _SOUGHT_IN:
            return None
    if tuple(program) == (COMMAND,) or tuple(program[:-1]) == (sys.executable, "-P"):
        return program[-1]
    return None


@dataclass(frozen=True, slots=True)
class _Order:
    script: str
    arguments: list[str]
    folder: str
    env: dict[str, str]
    new_session: bool


class Forked:
    """As much of subprocess.Popen as tests use, from any thread."""

    def __init__(
        self,
        script: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        start_new_session: bool,
    ) -> None:
        order = _Order(script, list(arguments), str(cwd), dict(env), start_new_session)
        self._ended, told = os.pipe()
        # Not when it was read: another thread may be waiting for it.
        weakref.finalize(self, os.close, self._ended)
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDONLY) if stdin == subprocess.DEVNULL else None
        files = (stdin if nothing is None else nothing, stdout, stderr, told)
        try:
            self.pid = _origin().fork(order, files)
        finally:
            os.close(told)
            if nothing is not None:
                os.close(nothing)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, where it has ended; that of a signal is negative."""
        if self.returncode is None and self._has_ended(0.0):
            self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; TimeoutExpired where it does not end in time."""
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired([COMMAND], timeout or 0.0)
            self._read()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and this was not told yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def _read(self) -> None:
        with self._lock:
            if self.returncode is None:
                said = os.read(self._ended, 16)
                assert said, "the process that all are forked from is gone"
                self.returncode = int(said)


class _Origin:
    """The process that has imported all, seen from here."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM.format(theirs.fileno())],
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self._end)
        assert self._line.recv(1) == _READY, "nothing can be forked"

    def fork(self, order: _Order, files: Sequence[int]) -> int:
        with self._lock:
            socket.send_fds(self._line, [json.dumps(asdict(order)).encode()], files)
            return int(self._line.recv(16))

    def _end(self) -> None:
        self._line.close()
        self._process.wait(10)


@cache
def _origin() -> _Origin:
    return _Origin()


def forks(number: int) -> bool:
    """Fork whatever is asked for by this socket; true in each fork, and false at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it goes with who has begun it
    _import_all()
    line = socket.socket(fileno=number)
    line.sendall(_READY)
    children: dict[int, int] = {}
    wakes, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([line, wakes], [], [])
        if wakes in ready:
            wakes.recv(1000)
            _bury(children)
        if line in ready:
            said, files, _, _ = socket.recv_fds(line, _ORDER_MAX, 4)
            if not said:
                return False
            pid = os.fork()
            if pid == 0:
                _become(_Order(**json.loads(said)), files)
                return True
            for file in files[:3]:
                os.close(file)
            children[pid] = files[3]
            line.sendall(str(pid).encode())


def leave() -> NoReturn:
    """Run what was asked for, and end as Python does, but for taking all that is imported apart."""
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = int(end.code or 0)
    except Exception:  # which the interpreter would tell of
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _import_all() -> None:
    import profilecore.adapters.postgres
    import profilecore.adapters.rabbitmq
    import profilecore.adapters.redis
    import profilecore.adapters.sqlite
    import profilecore.entrypoints.cli.app
    import profilecore.entrypoints.cli.doctor
    import profilecore.entrypoints.server  # noqa: F401

    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork would lack these threads"
    gc.freeze()


def _bury(children: dict[int, int]) -> None:
    """Tell of each child that has ended how it did."""
    for pid, told in list(children.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)
            del children[pid]


def _become(order: _Order, files: Sequence[int]) -> None:
    """Be as if this had been started, with these three files, just now."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if order.new_session:
        os.setsid()
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.env)
    time.tzset()
    sys.argv = [order.script, *order.arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    # It began with a folder of its own, which those that are started so have, or have not.
    folders = [str(Path(COMMAND).parent)] if order.script == COMMAND else []
    sys.path[:1] = [*folders, *filter(None, order.env.get(_SOUGHT_IN, "").split(os.pathsep))]
