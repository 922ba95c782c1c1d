"""A real RabbitMQ on free ports, which can be stopped, killed and started again on its data."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pika
import psutil

from profilecore.adapters.rabbitmq import RabbitAddress
from tests.support.ports import free_port
from tests.support.started import Started

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
START_MAX = 60.0
STOP_MAX = 30.0
PULL_MAX = 10.0
# A quorum queue of 3.10 that is younger than half a second may lose its data in a kill -9, since
# its name is written down that much later than its messages. It is then made anew, without a
# leader, until an operator has it elect one (as in rabbitmq/rabbitmq-server#15725).
SETTLED = 2.0
_GREETING = b"AMQP\x00\x00\x09\x01"
# Two schedulers that sleep when there is nothing to do.
_ERLANG = "+S 2:2 +SDcpu 1:1 +SDio 2 +sbwt none +sbwtdcpu none +sbwtdio none"
_SETTINGS = """\
loopback_users.guest = true
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 16000000
log.console = false
log.file.level = info
"""


class RabbitProcess(Started):
    """RabbitMQ in `folder`, alone: its node, its port mapper and its cookie are its own.

    `settings` are lines for its rabbitmq.conf. Without `plain` it listens only where these say.
    """

    def __init__(self, folder: Path, *settings: str, plain: bool = True) -> None:
        self.folder = folder
        self._output = folder / "output.log"
        self.port = free_port()
        self.node = f"profilecore-{secrets.token_hex(4)}@localhost"
        self._mapper_port = free_port()
        self._distribution_port = free_port()
        self._listens = plain
        self._settings = settings
        self._mapper: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> RabbitAddress:
        return RabbitAddress(hosts=(("127.0.0.1", self.port),))

    @property
    def log(self) -> str:
        """What it wrote: last what says why it did not start."""
        # The output is that of a start; the others are named after the node.
        paths = sorted(self.folder.glob("*.log"), key=lambda path: path == self._output)
        return "\n".join(path.read_text(errors="replace") for path in paths)

    def start(self, *, wait: bool = True) -> None:
        self._prepare()
        if self._mapper is None:
            self._mapper = self._popen(
                "epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"
            )
        self._process = self._popen(str(SCRIPTS / "rabbitmq-server"))
        if wait:
            self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_MAX
        while not self.answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def answers(self) -> bool:
        if not self._listens:
            return "Server startup complete" in self.log
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(_GREETING)
                return bool(connection.recv(1))
        except OSError:
            return False

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl; it takes a second or two."""
        done = subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "--quiet", "--node", self.node, *arguments],
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """A channel of pika that blocks: past the adapter."""
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def pulled(self, queue: str, number: int) -> list[Any]:
        """Take so many messages out of a queue; they have to come. Each: method, properties, body.

        Reading what a dead-letter queue has got takes a moment.
        """
        found: list[Any] = []
        deadline = time.monotonic() + PULL_MAX
        with self.channel() as channel:
            while len(found) < number:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is not None:
                    found.append((method, properties, body))
                else:
                    assert time.monotonic() < deadline, f"{queue} has {len(found)} of {number}"
                    time.sleep(0.02)
            assert channel.basic_get(queue, auto_ack=True)[0] is None, "there are more"
        return found

    def alarm(self, *, low_on_memory: bool) -> None:
        """Make it take no messages, as when its memory is full; or let it take them again."""
        mark = ("0.000001",) if low_on_memory else ("absolute", "512MB")
        self.control("set_vm_memory_high_watermark", *mark)

    def pause(self) -> None:
        """Silent from now on: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a machine that loses power; what was flushed is on the disk."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(STOP_MAX)

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait(STOP_MAX)
            self._mapper = None
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # A cookie of its own, which only its owner may read.
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(10).upper())
            cookie.chmod(0o400)
        listener = (
            f"listeners.tcp.1 = 127.0.0.1:{self.port}" if self._listens else "listeners.tcp = none"
        )
        lines = (_SETTINGS, listener, *self._settings)
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "plugins").write_text("[].\n")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def _popen(self, *words: str) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output:
            return subprocess.Popen(
                words,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
