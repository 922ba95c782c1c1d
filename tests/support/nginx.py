"""A real nginx with the configuration in deploy/, in front of a server on this machine."""

import os
import subprocess
import time
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.support.started import StartedWeb

EXECUTABLE = Path("/usr/sbin/nginx")
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "media.conf"
START_MAX = 10.0
STOP_MAX = 10.0
_AROUND = """\
{user}daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/media.conf;
}}
"""


class NginxProcess(StartedWeb):
    """nginx in `folder`, which serves the images in `blobs`."""

    def __init__(self, folder: Path, backend: int, blobs: Path) -> None:
        assert EXECUTABLE.exists(), "nginx is missing; on Debian: apt-get install nginx-light"
        self.folder = folder
        self.port = free_port()
        self._backend = backend
        self._blobs = blobs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "nginx.log").read_text(errors="replace")

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "media.conf").write_text(self._configured())
        # As root it would read the files of tests as nobody, who may not.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_AROUND.format(user=user, folder=self.folder))

    def check(self) -> subprocess.CompletedProcess[str]:
        """What `nginx -t` says of the configuration."""
        self.prepare()
        return subprocess.run(
            self._command("-t"), capture_output=True, text=True, timeout=30, check=False
        )

    def start(self) -> None:
        self.prepare()
        with (self.folder / "nginx.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_until_it_answers()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()  # it takes along the process that it has started
            self._process.wait(STOP_MAX)
            self._process = None

    def _command(self, *options: str) -> list[str]:
        folder = str(self.folder)
        return [
            str(EXECUTABLE),
            "-p",
            folder,
            "-c",
            f"{folder}/nginx.conf",
            "-e",
            "stderr",
            *options,
        ]

    def _configured(self) -> str:
        """The file as it is, with the ports and the folder."""
        text = CONFIGURATION.read_text()
        for there, here in (
            ("server 127.0.0.1:8080;", f"server 127.0.0.1:{self._backend};"),
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
            ("root /var/lib/profilecore/blobs;", f"root {self._blobs};"),
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
