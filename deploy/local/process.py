"""One server of the machine's own packages: started, waited for, stopped."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_MAX = 90.0
STOP_MAX = 60.0


class NotStarted(Exception):
    """A server that has ended, or does not answer in time."""


@dataclass(kw_only=True)
class Process:
    """A server that writes to `log`; it runs as `user`, where this script may choose."""

    name: str
    command: Sequence[str]
    folder: Path
    answers: Callable[[], bool]
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ends_by: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def start(self) -> None:
        """Return once it answers. Raises NotStarted with the end of its log."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it, and do not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        own(self.folder, self.user)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*as_user(self.user), *self.command],
                cwd=self.folder,
                env=plain_environment() | dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this script, which stops all in order
            )

    def wait(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + START_MAX
        while not self.answers():
            if not self.runs() or time.monotonic() > deadline:
                end = self.log.read_text(errors="replace")[-2_000:]
                raise NotStarted(f"{self.name} does not start; {self.log} ends with:\n{end}")
            time.sleep(0.05)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int | None:
        """Ask it to end, and give its exit code; kill it where it does not."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(self.ends_by)
            try:
                self._process.wait(STOP_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        code, self._process = self._process.returncode, None
        return code

    def kill(self) -> None:
        """End it, and all that it has started, without a word."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_MAX)


def plain_environment() -> dict[str, str]:
    """Of this environment what every program needs, and no setting of anything."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def as_user(user: str | None) -> list[str]:
    """How to run something as somebody else, which only root may."""
    if user is None or os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def own(path: Path, user: str | None) -> None:
    """Give a file or a folder to whoever is to use it."""
    if user is not None and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def run(*command: str, user: str | None = None, cwd: Path, **env: str) -> str:
    """Run something to its end, and give what it printed. Raises NotStarted where it fails."""
    done = subprocess.run(
        [*as_user(user), *command],
        cwd=cwd,
        env=plain_environment() | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotStarted(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def adapted(path: Path, *changes: tuple[str, str]) -> str:
    """A configuration as it is shipped, but for what stands in it once and is another here."""
    text = path.read_text()
    for there, here in changes:
        if text.count(there) != 1:
            raise NotStarted(f"{path} should have once: {there}")
        text = text.replace(there, here)
    return text


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def connects(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def is_good(url: str) -> bool:
    """Whether it answers with a success."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status)  # what is no success is an error
    except (OSError, urllib.error.URLError):
        return False


def program(name: str, *folders: str) -> str:
    """Where a program is that may not be on the PATH. Raises NotStarted where it is not there."""
    path = os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise NotStarted(f"{name} is not installed; run `python3 -m deploy.local --install`")
    return found
