"""A real redis-server on a free port, which can be stopped, killed and started again."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from tests.support.ports import free_port
from tests.support.started import Started

START_MAX = 10.0


def executable() -> str:
    """Where redis-server is; without it a test fails, and is not left out."""
    found = shutil.which("redis-server")
    assert found, "redis-server is not installed; on Debian: apt-get install redis-server"
    return found


class RedisProcess(Started):
    """Redis in `folder`; it keeps nothing over a restart unless `save` was called before."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def client(self, **options: object) -> Redis:
        return Redis("127.0.0.1", self.port, socket_timeout=5, **options)  # type: ignore[arg-type]

    def start(self, *, wait: bool = True) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        basics = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--dir": str(self.folder),
            "--save": "",
            "--appendonly": "no",
            "--logfile": "redis.log",
        }
        words = [word for pair in basics.items() for word in pair]
        self._process = subprocess.Popen(
            [executable(), *words, *self._options],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if wait:
            self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_MAX
        while True:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "redis.log").read_text()
            try:
                with self.client() as client:
                    client.ping()
                return
            except AuthenticationError:
                return
            except RedisError:
                assert time.monotonic() < deadline, (self.folder / "redis.log").read_text()
                time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        """Silent from now on: the system still takes connections, and nobody answers."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()
