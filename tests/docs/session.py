"""Runs what a page shows: in a shell, in an interpreter, and against a real service."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from tests.docs.pages import ROOT, Step

FOLDER: Final = "/home/ada/people"
ADDRESS: Final = "localhost:8080"
_SERVES = re.compile(r"\bprofilecore (dev|serve)( --port \d+)?$")
_END = "-- end of output --"
_BASH = ("bash", "--noprofile", "--norc")
_PYTHON = (
    sys.executable,
    *("-W", "error", "-c"),
    f"""
import sys, traceback
names, text = {{"__name__": "__main__"}}, ""
for line in sys.stdin:
    text += line
    if line == "{_END}\\n":
        try:
            exec(compile(text.removesuffix(line), "page", "exec"), names)
        except Exception:
            traceback.print_exc()
        print("\\n" + line, end="", flush=True)
        text = ""
""",
)


class Session:
    """What the steps of one page share: a folder, a shell, an interpreter and a service.

    The page has the service on `ADDRESS` and itself in `FOLDER`; here it is another port and a
    folder of its own, both put back in what is printed.
    """

    def __init__(self, scratch: Path) -> None:
        self._folder = scratch / "people"
        self._folder.mkdir()
        self._output = scratch / "service.out"
        self._errors = scratch / "service.err"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(scratch),
            "LANG": "C.UTF-8",
        }
        self._shells: dict[tuple[str, ...], subprocess.Popen[str]] = {}
        self._service: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for shell in self._shells.values():
            shell.kill()
            shell.communicate()
        if self._service is not None:
            self._service.send_signal(signal.SIGINT)
            code = self._service.wait(10)
            assert error or code == 0, f"the service ended with {code}"

    def run(self, step: Step) -> str:
        """Give what one step prints, as the page would have it."""
        if step.kind == "file":
            name, _, body = step.text.partition("\n")
            (self._folder / name).write_text(body)
            return ""
        if step.kind == "python":
            return self._told(self._say(_PYTHON, step.text))
        command = step.text.replace(ADDRESS, f"localhost:{self._port}")
        if _SERVES.search(command):
            return self._told(self._serve(f"SERVER_PORT={self._port} {command}"))
        if command != step.text and self._service is None:
            self._serve(f"SERVER_PORT={self._port} profilecore dev")
        return self._told(
            self._say(_BASH, f"{{ {command}\n}} </dev/null; printf '\\n%s\\n' '{_END}'")
        )

    def _told(self, text: str) -> str:
        text = text.replace(f"localhost:{self._port}", ADDRESS)
        return text.replace(str(self._folder), FOLDER).rstrip("\n")

    def _say(self, argv: tuple[str, ...], text: str) -> str:
        if argv not in self._shells:
            self._shells[argv] = subprocess.Popen(
                argv,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        shell = self._shells[argv]
        assert shell.stdin
        assert shell.stdout
        print(text if argv is _BASH else f"{text}{_END}", file=shell.stdin, flush=True)
        return _until_end(shell.stdout)

    def _serve(self, command: str) -> str:
        """Start a service; give what it prints until it is ready, or all if it ends before."""
        assert self._service is None, "there is a service already"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._service = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self._folder,
                env=self._environment,
                stdout=output,
                stderr=errors,
            )
        while self._service.poll() is None:
            if self._is_ready():
                time.sleep(0.1)  # what it says comes after it is ready
                return self._output.read_text()
            time.sleep(0.02)
        self._service = None
        return self._output.read_text() + self._errors.read_text()

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://localhost:{self._port}/health/ready", timeout=1):
                return True
        except (URLError, OSError):
            return False


def _until_end(stream: IO[str]) -> str:
    lines: list[str] = []
    for line in stream:
        if line == f"{_END}\n":
            return "".join(lines).removesuffix("\n")
        lines.append(line)
    raise AssertionError(f"it ended in the middle of the page: {''.join(lines)}")
