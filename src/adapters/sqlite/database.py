"""The file: opening, checking and closing it, and the threads that work on it."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from profilecore.adapters.sqlite.errors import translated
from profilecore.adapters.sqlite.schema import check, migrate
from profilecore.adapters.sqlite.writer import Writer
from profilecore.errors import Unavailable

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...] | Mapping[str, Any]

READ_MAX: Final = 5.0
_STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's machine, some 0.1 ms


class SqliteDatabase:
    """One file for any number of processes on one machine; not on a network's disk.

    A write waits for other processes at most `busy_timeout` seconds. `readers` threads read,
    each at most `READ_MAX` seconds at a time. Use it from one event loop.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, busy_timeout: float = 5.0, readers: int = 2
    ) -> None:
        self._path = Path(path)
        self._busy_timeout = busy_timeout
        self._readers = readers
        self._open: _Open | None = None

    async def open(self) -> None:
        """Open the file, make it if it is missing, and bring its tables up to date.

        Raises Unavailable that says what is wrong with the file, and what to do.
        """
        if self._open is None:
            self._open = await asyncio.to_thread(
                _Open, self._path, self._busy_timeout, self._readers
            )

    async def close(self) -> None:
        """Finish what was accepted, and leave one file with everything in it."""
        opened, self._open = self._open, None
        if opened is not None:
            await asyncio.to_thread(opened.close)

    async def ping(self) -> None:
        """Read from the file, or raise Unavailable."""
        await self.read(lambda connection: connection.execute("SELECT trimmed FROM log").fetchone())

    async def read(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `run` reads from one state of the file."""
        return await self._opened().read(run)

    async def write(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `run` gave, once what it wrote is durable; undo it where it raises."""
        return await self._opened().writer.run(run)

    async def execute(self, statement: str, *rows: Row) -> int:
        """Write by one statement, once for each row of parameters; give how many it has changed."""
        return await self.write(lambda connection: connection.executemany(statement, rows).rowcount)

    def _opened(self) -> "_Open":
        if self._open is None:
            raise Unavailable("The database is not open.")
        return self._open


class _Open:
    """What there is between open and close. Its making and its closing block."""

    def __init__(self, path: Path, busy_timeout: float, readers: int) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._connection = _made(path, busy_timeout)
        self.writer = Writer(self._connection)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []

    async def read(self, run: Callable[[sqlite3.Connection], T]) -> T:
        refused_at = time.monotonic() + READ_MAX
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, run, refused_at)

    def close(self) -> None:
        self.writer.close()
        self._readers.shutdown()
        for connection in self._reading:
            connection.close()
        # The last one to close checkpoints; where another process has it open, that one will.
        self._connection.close()

    def _read(self, run: Callable[[sqlite3.Connection], T], refused_at: float) -> T:
        if time.monotonic() > refused_at:
            raise Unavailable("Too many reads are waiting for the database.", retry_after=2)
        with translated():
            connection = self._reader()
            self._local.deadline = time.monotonic() + READ_MAX
            connection.execute("BEGIN")
            try:
                return run(connection)
            finally:
                connection.rollback()

    def _reader(self) -> sqlite3.Connection:
        local = self._local
        if not hasattr(local, "connection"):
            connection = _connect(self._path, self._busy_timeout)
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(
                lambda: time.monotonic() > local.deadline, _STEPS_BETWEEN_LOOKS
            )
            self._reading.append(connection)
            local.connection = connection
        found: sqlite3.Connection = local.connection
        return found


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    # mode=rw: a file that was taken away is missed, and not made anew without tables.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    # Another thread than the one that uses it may close it.
    return sqlite3.connect(
        uri, uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )


def _made(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """The connection that writes, on a file that is there, ours and up to date."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It holds what is known of people: nobody else's to read. Its side files follow it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with translated():
            return _prepared(path, busy_timeout)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise Unavailable(f"The database {path} cannot be used: {reason}.") from error
    except Unavailable as error:
        detail = f"The database {path} cannot be used: {error.detail}"
        raise Unavailable(detail) from error.__cause__


def _prepared(path: Path, busy_timeout: float) -> sqlite3.Connection:
    connection = _connect(path, busy_timeout)
    try:
        check(connection)
        _to_wal(connection, time.monotonic() + busy_timeout)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what was erased is not in the file
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Keep a write-ahead log; SQLite does not wait for other processes here, so this does."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
