"""A real Varnish with the configuration in deploy/, in front of a server on this machine."""

import shutil
import subprocess
import time
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.support.started import StartedWeb

EXECUTABLE = Path("/usr/sbin/varnishd")
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "varnish" / "default.vcl"
START_MAX = 30.0
STOP_MAX = 10.0


class VarnishProcess(StartedWeb):
    """Varnish in `folder`; `purgers` are who may send it a PURGE."""

    def __init__(
        self, folder: Path, backend: int, *, port: int | None = None, purgers: str = "127.0.0.1"
    ) -> None:
        assert EXECUTABLE.exists(), "Varnish is missing; on Debian: apt-get install varnish"
        self.folder = folder
        self.port = port or free_port()
        self._backend = backend
        self._purgers = purgers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "varnish.log").read_text(errors="replace")

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "default.vcl"
        configuration.write_text(self._configured())
        shutil.copy(CONFIGURATION.with_name("media.vcl"), self.folder)
        with (self.folder / "varnish.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(EXECUTABLE, "-F", "-j", "none", "-n", self.folder / "state"),
                    *("-f", configuration, "-a", f"127.0.0.1:{self.port}", "-T", "none"),
                    *("-s", "malloc,32m", "-p", "thread_pools=1", "-p", "thread_pool_min=10"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()  # it takes along the process that it has started
            self._process.wait(STOP_MAX)
            self._process = None

    def _configured(self) -> str:
        """The file as it is, with the backend's port and those who may purge."""
        text = CONFIGURATION.read_text()
        for there, here in (
            ('.port = "8080"', f'.port = "{self._backend}"'),
            ('    "127.0.0.1";\n', f'    "{self._purgers}";\n'),
        ):
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        return text

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_MAX
        while True:
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            try:
                httpx.get(f"{self.url}/health/live", timeout=5, trust_env=False)
                return
            except httpx.TransportError:
                time.sleep(0.02)
