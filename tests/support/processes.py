"""Real `profilecore` processes, each in a folder of its own and on a port of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import httpx

from tests.support.forking import COMMAND, Forked, script_of

START_MAX = 30.0
STOP_MAX = 30.0
RUN_MAX = 120.0
# Without the certificates of the system, which take longer to read than most answers to come.
_CLIENT: dict[str, Any] = {"timeout": 30.0, "trust_env": False, "verify": False}
_SPEAKS = re.compile(r"http://localhost:(\d+)")


def environment(**settings: str) -> dict[str, str]:
    """What a process is given: nothing of the settings of whoever runs the tests."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return {**kept, **settings}


def started(
    program: Sequence[str],
    arguments: Sequence[str],
    folder: Path,
    settings: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes],
    *,
    own_session: bool,
) -> "Forked | subprocess.Popen[bytes]":
    """A process; of a test, where it can be, a fork of one that has imported what it would."""
    options: dict[str, Any] = {
        "cwd": folder,
        "env": environment(**settings),
        "stdin": subprocess.DEVNULL,
        "stdout": output.fileno(),
        "stderr": errors.fileno(),
        "start_new_session": own_session,
    }
    script = script_of(program, options["env"])
    if script is not None and "pytest" in sys.modules:  # a benchmark has what users have
        return Forked(script, arguments, **options)
    return subprocess.Popen([*program, *arguments], **options)


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `profilecore` to its end."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = started(
            (COMMAND,), arguments, folder, settings, output, errors, own_session=False
        )
        try:
            code = process.wait(RUN_MAX)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(arguments, code, _text(output), _text(errors))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class Server:
    """`profilecore dev` in `folder`, or another command; its output goes to files there."""

    def __init__(
        self,
        folder: Path,
        *,
        program: Sequence[str] = (COMMAND,),
        command: str = "dev",
        **settings: str,
    ) -> None:
        self.folder = folder
        self.database = folder / "data" / "profiles.db"
        self._output = folder / "stdout.txt"
        self._errors = folder / "stderr.txt"
        given = {"SERVER_PORT": "0"} | settings
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = started(
                program, [command], folder, given, output, errors, own_session=True
            )
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self.wait_until_it_speaks()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """Standard error, where the log goes."""
        return self._errors.read_text(encoding="utf-8")

    def wait_until_it_speaks(self) -> None:
        """Return once it has said where it answers."""
        deadline = time.monotonic() + START_MAX
        while not (found := _SPEAKS.search(self.output + self.errors)):
            assert self.process.poll() is None, f"it ended by itself:\n{self.errors}"
            assert time.monotonic() < deadline, f"it does not start:\n{self.errors}"
            time.sleep(0.01)
        self.port = int(found[1])

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, **_CLIENT | options)

    def async_client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, **_CLIENT | options)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = STOP_MAX) -> int:
        """The exit code; TimeoutExpired where it does not end in time."""
        return self.process.wait(seconds)

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        self.signal()
        return self.wait()

    def kill(self) -> None:
        """End it without a chance to do anything, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_MAX)


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[tuple[Server, httpx.Client]]:
    """A server in `folder` and a client for it."""
    folder.mkdir(exist_ok=True)
    with Server(folder, **settings) as server, server.client() as client:
        yield server, client
