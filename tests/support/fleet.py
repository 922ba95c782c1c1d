"""Servers and workers on one PostgreSQL and one RabbitMQ, started again whenever they die."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from profilecore.adapters.postgres import PostgresAddress
from tests.support.faultpoints import Faultpoints
from tests.support.faulty import FAULTY
from tests.support.forking import COMMAND
from tests.support.ledger import Ledger
from tests.support.ports import free_port
from tests.support.postgres import database, settings
from tests.support.processes import Server
from tests.support.proxy import ThreadedProxy, proxied
from tests.support.rabbitmq import RabbitProcess
from tests.support.tasks import SUBMIT

ROOT: Final = Path(__file__).parents[2]
HANDLERS: Final = {"PYTHONPATH": f"{ROOT}:{Path(__file__).with_name('effects')}"}
LEASE: Final = 2.0
SLEEP: Final = LEASE + 1.5  # how long a process that was stopped stays so
LOOK_EVERY: Final = 0.05
ROLES: Final = {"serve": "api", "worker": "worker"}


class Member:
    """A place in the fleet, and the process that has it now."""

    def __init__(
        self, folder: Path, command: str, given: Mapping[str, str], program: Sequence[str]
    ) -> None:
        self.role = ROLES[command]
        self.command = command
        self.given = {**given, "FAULTS_ROLE": self.role}
        self.starts = 0
        self.leaving = False
        """Whether it is meant to end."""
        self.held = False
        """Whether it stays stopped until it is told to go on."""
        self._stopped_at: float | None = None
        self._folder = folder
        self._program = program

    def start(self) -> None:
        """Begin; it speaks some time later."""
        self.starts += 1
        folder = self._folder / str(self.starts)
        folder.mkdir(parents=True)
        self._stopped_at = None
        self.server = Server(folder, program=self._program, command=self.command, **self.given)
        self.leaving = False

    def speaks(self) -> None:
        self.server.wait_until_it_speaks()

    def stop(self) -> int:
        """Ask it to end, as a deployment does; give its exit code."""
        self.leaving = True
        return self.server.stop()

    def tend(self) -> None:
        """Start it again where it was killed, and let it go on where it was stopped."""
        code = self.server.process.poll()
        if code is not None:
            if not self.leaving:
                assert code == -signal.SIGKILL, f"it ended with {code}:\n{self.server.errors}"
                self.start()
        elif self.is_stopped() and not self.held:
            self._stopped_at = self._stopped_at or time.monotonic()
            if time.monotonic() - self._stopped_at > SLEEP:
                self.go_on()

    def freeze(self) -> None:
        self.server.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.held = False
        self._stopped_at = None
        self.server.signal(signal.SIGCONT)

    def is_stopped(self) -> bool:
        with suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self.server.process.pid).status() == psutil.STATUS_STOPPED)
        return False


class Fleet:
    """One server on a fixed port, and workers; each has the same way to PostgreSQL."""

    def __init__(
        self,
        folder: Path,
        address: PostgresAddress,
        rabbit: RabbitProcess,
        proxy: ThreadedProxy,
        program: Sequence[str],
    ) -> None:
        self.ledger = Ledger(address)
        self.proxy = proxy
        self.points = Faultpoints(folder / "armed")
        self.members: list[Member] = []
        self.given = {
            **settings(address),
            "DB_PORT": proxy.address.rpartition(":")[2],
            "AUTH_MODE": "none",
            "SERVER_HOST": "127.0.0.1",
            "QUEUE": "rabbitmq",
            "QUEUE_URI": f"amqp://guest:guest@127.0.0.1:{rabbit.port}/",
            "TASK_LEASE": f"{LEASE:g}s",
            # Past the proxy: what a handler does is not what is cut.
            "EFFECTS": address.conninfo(),
            **HANDLERS,
            **self.points.settings,
        }
        self._folder = folder
        self._port = free_port()
        self._program = program
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}", timeout=10, trust_env=False
        )

    def serve(self, **given: str) -> Member:
        return self._join("serve", SERVER_PORT=str(self._port), **given)

    def work(self, **given: str) -> Member:
        return self._join("worker", **given)

    def of(self, role: str) -> list[Member]:
        return [member for member in self.members if member.role == role]

    def _join(self, command: str, **given: str) -> Member:
        folder = self._folder / f"{command}-{len(self.members)}"
        member = Member(folder, command, self.given | given, self._program)
        member.start()
        member.speaks()
        self.members.append(member)
        return member

    @property
    def client(self) -> httpx.Client:
        """A client of the server, whichever process that is."""
        return self._client

    def submit(self, type: str = "test.effect", **fields: Any) -> str | None:
        """The id of a task whose 202 was seen; None where nobody knows."""
        self.check()
        try:
            response = self._client.post(SUBMIT, json={"type": type, "max_attempts": 100} | fields)
        except httpx.TransportError:
            return None
        if response.status_code == 503:  # it may be there all the same: the commit was not seen
            return None
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def tend(self) -> None:
        """Look after all members until the end; an error is told to who asks next."""
        try:
            while not self._ended.wait(LOOK_EVERY):
                for member in list(self.members):
                    member.tend()
        except BaseException as error:
            self._failure = error

    def check(self) -> None:
        """Raise where a member has ended by itself."""
        if self._failure is not None:
            raise self._failure

    def until(self, look: Callable[[], object], seconds: float, what: str) -> None:
        """Wait for something that has to come."""
        deadline = time.monotonic() + seconds
        while not look():
            self.check()
            assert time.monotonic() < deadline, what
            time.sleep(LOOK_EVERY)

    def all_end(self, seconds: float = 90) -> None:
        try:
            self.until(lambda: not self.ledger.unfinished(), seconds, "some tasks do not end")
        except AssertionError as error:
            error.add_note(self.ledger.open_ends())
            raise

    def close(self) -> None:
        self._ended.set()
        self._client.close()
        for member in self.members:
            member.leaving = True
            member.server.kill()


@contextmanager
def fleet(
    folder: Path, postgres: PostgresAddress, rabbit: RabbitProcess, *, faulty: bool = False
) -> Iterator[Fleet]:
    """A fleet without members yet; `faulty` ones have points at which they can be made to die."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        address = stack.enter_context(database(postgres))
        proxy = stack.enter_context(proxied(address.port))
        program = FAULTY if faulty else (COMMAND,)
        made = Fleet(folder, address, rabbit, proxy, program)
        made.ledger.open()
        tending = threading.Thread(target=made.tend, name="tending")
        stack.callback(tending.join)
        stack.callback(made.close)
        tending.start()
        yield made
        made.check()
