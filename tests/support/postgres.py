"""A real PostgreSQL: one server a session, and as many databases on it as tests want."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

from profilecore.adapters.postgres import Migrations, PostgresAddress, PostgresDatabase
from tests.support.ports import free_port

BINARIES = Path("/usr/lib/postgresql/15/bin")
START_MAX = 30.0
_numbers = count(1)


def unprivileged() -> list[str]:
    """How to run what refuses to be root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def folder_for_servers() -> Path:
    """A new folder that a server may write to, whoever it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


class Postgres:
    """A server on 127.0.0.1, in a folder of its own, which tests may stop and kill."""

    password = "pass word'\\"

    def __init__(self, source: "Postgres | None" = None) -> None:
        """A new one, or a streaming replica of `source`."""
        self.folder = folder_for_servers()
        self.port = free_port()
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        if source is not None:
            self._run(
                *("pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
                *("--dbname", source.address.conninfo(), "--pgdata", str(self._data)),
            )
            return
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self._run(
            *("initdb", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"),
            # Whose order is not that of code points, so that it shows what relies on it.
            *("--locale-provider=icu", "--icu-locale=en-US"),
            *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"),
            *("--pgdata", str(self._data)),
        )

    @property
    def address(self) -> PostgresAddress:
        """Of the database that is always there."""
        return PostgresAddress(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.password,
            name="postgres",
        )

    def start(self, *options: str, wait: bool = True) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    *(*unprivileged(), str(BINARIES / "postgres"), "-D", str(self._data)),
                    *("-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder)),
                    *("-c", "max_connections=200", "-c", "wal_log_hints=on"),
                    # Processes are killed here, and not the machine: what they wrote is there.
                    *("-c", "fsync=off", *options),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_MAX
        while wait and not self.answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def start_slowly(self) -> None:
        """Let it recover from an archive that is slow; it refuses connections meanwhile."""
        signal_file = self._data / "recovery.signal"
        signal_file.touch()
        if os.geteuid() == 0:
            shutil.chown(signal_file, "postgres", "postgres")
        self.start("-c", "restore_command=sleep 1; false", "-c", "hot_standby=off", wait=False)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.address.conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True

    def processes(self) -> list[psutil.Process]:
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def freeze(self) -> None:
        """Stop every process of it: connections stay open, and nothing answers."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # some come and go by themselves
                process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a machine that loses power; what was flushed is on the disk."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert self._process is not None
        self._process.wait(30)

    def stop(self) -> None:
        """As an operator does; its replicas get all that it has."""
        self._run("pg_ctl", "stop", "--pgdata", str(self._data), "--mode=fast")
        assert self._process is not None
        self._process.wait(30)

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "--pgdata", str(self._data))

    def follow(self, source: "Postgres") -> None:
        """Become a replica of what was promoted in its place; it has to be stopped."""
        self._run(
            *("pg_rewind", "--target-pgdata", str(self._data), "--no-sync"),
            *("--source-server", source.address.conninfo(), "--write-recovery-conf"),
        )
        self.start()

    def pause_replay(self) -> None:
        execute(self.address, "SELECT pg_wal_replay_pause()")

    def resume_replay(self) -> None:
        execute(self.address, "SELECT pg_wal_replay_resume()")

    def revive(self) -> None:
        """Make it answer again, whatever was done to it."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
        else:
            self.start()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [*unprivileged(), str(BINARIES / command), *arguments],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )


@contextmanager
def running() -> Iterator[Postgres]:
    """A server of one's own."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def reachable() -> Iterator[PostgresAddress]:
    """The server that DB_HOST names, or else one that is started for the occasion."""
    if os.environ.get("DB_HOST"):
        yield PostgresAddress(
            host=os.environ["DB_HOST"],
            port=int(os.environ.get("DB_PORT", "5432")),
            user=os.environ.get("DB_USER", "postgres"),
            password=os.environ.get("DB_PASSWORD"),
            name="postgres",
        )
    else:
        with running() as server:
            yield server.address


def execute(address: PostgresAddress, *statements: str) -> list[tuple]:
    """Run statements past the adapter; give the rows of the last."""
    with psycopg.connect(address.conninfo(), autocommit=True) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def using(*hosts: PostgresAddress, **options: Any) -> AsyncIterator[PostgresDatabase]:
    """The adapter, opened; and closed whatever happens."""
    database = PostgresDatabase(*hosts, **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def database(
    server: PostgresAddress, *, migrated: bool = True, dropped: bool = True
) -> Iterator[PostgresAddress]:
    """A database of one's own; `dropped` at the end, unless its server goes with it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    execute(server, f"CREATE DATABASE {name}")
    address = replace(server, name=name)
    try:
        if migrated:
            asyncio.run(Migrations(address).up())
        yield address
    finally:
        if dropped:
            execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def emptied(address: PostgresAddress) -> None:
    """Make it as good as new: cheaper than a new one for each test."""
    execute(
        address,
        "TRUNCATE profiles, image_uses, image_holds, events, tasks, bookmarks, tokens, receipts,"
        " endings",
        "UPDATE log SET trimmed = 0, endings_trimmed = 0",
    )


def settings(address: PostgresAddress) -> Mapping[str, str]:
    """What a process is told of it."""
    return {
        "DATABASE": "postgres",
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "DB_NAME": address.name,
    }
