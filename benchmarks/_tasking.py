"""What the benchmarks of tasks share: who hands them over and runs them, and a look at the rows."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks._measuring import folder
from profilecore.adapters.postgres import PostgresAddress
from profilecore.identifiers import new_id
from tests.support.postgres import Postgres, database, execute, settings
from tests.support.processes import Server
from tests.support.rabbitmq import RabbitProcess

# A task for `echo`, as a submission leaves it, but for its id and its times.
_TASK = """
    'echo', '{{"hello": "world"}}', 'scheduled', 0, {at}, {at}, 0, 5, NULL, NULL, 'null', '[]',
    NULL, 0, {false}, '{{"request_id": "benchmark"}}', 1, {at}, {at}
"""
# Ids as they are made, of the last milliseconds.
_IN_POSTGRES = """
    INSERT INTO tasks
    SELECT (lpad(to_hex(now.ms - n), 12, '0') || '7' || right(md5(n::text), 19))::uuid, {task}
    FROM generate_series(1, {number}) n, (SELECT profilecore_now() / 1000 AS ms) now
"""
_NAMES = {"beam.smp": "RabbitMQ", "postgres": "PostgreSQL"}


@dataclass(frozen=True)
class Place:
    """Where tasks are submitted and run, and how their rows are read, past the service."""

    name: str
    server: Server
    worker: Server
    ask: Callable[[str], list[tuple[Any, ...]]]
    fill: Callable[[int, int], None]
    """Add so many tasks past the service, that are due at a time in microseconds since 1970."""

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each part has taken so far."""
        own = {self.server.process.pid: "server", self.worker.process.pid: "worker"}
        taken: defaultdict[str, float] = defaultdict(float)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                name = own.get(process.pid) or _NAMES.get(process.name())
                times = process.cpu_times()
                if name is not None:
                    taken[name] += times.user + times.system
        return dict(taken)


@contextmanager
def fleet(**settings_of_worker: str) -> Iterator[Place]:
    """`profilecore serve`, one `profilecore worker`, PostgreSQL and RabbitMQ."""
    with ExitStack() as stack:
        root = stack.enter_context(folder())
        postgres = Postgres()
        stack.callback(postgres.close)
        postgres.start("-c", "fsync=on", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB")
        address = stack.enter_context(database(postgres.address, dropped=False))
        rabbit = stack.enter_context(RabbitProcess(root / "rabbitmq"))
        given = {
            **settings(address),
            "QUEUE": "rabbitmq",
            "QUEUE_URI": f"amqp://guest:guest@127.0.0.1:{rabbit.port}/",
            "SERVER_HOST": "127.0.0.1",
            "AUTH_MODE": "none",
        }
        server = stack.enter_context(_started(root / "serve", "serve", given))
        worker = stack.enter_context(_started(root / "work", "worker", given | settings_of_worker))
        yield Place(
            "fleet", server, worker, partial(execute, address), partial(_fill_postgres, address)
        )


@contextmanager
def embedded(**given: str) -> Iterator[Place]:
    """`profilecore dev`: one process, on SQLite."""
    with folder() as root, Server(root, **given) as server:
        file = server.database
        yield Place(
            "embedded", server, server, partial(_ask_sqlite, file), partial(_fill_sqlite, file)
        )


def _fill_postgres(address: PostgresAddress, number: int, at: int) -> None:
    task = _TASK.format(at=at, false="false")
    execute(
        address,
        *("SET statement_timeout = 0", _IN_POSTGRES.format(task=task, number=number)),
        *("VACUUM ANALYZE tasks", "CHECKPOINT"),
    )


def _fill_sqlite(file: Path, number: int, at: int) -> None:
    insert = f"INSERT INTO tasks VALUES (?, {_TASK.format(at=at, false='0')})"  # noqa: S608
    with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        connection.executemany(insert, ((new_id().bytes,) for _ in range(number)))


def _ask_sqlite(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def _started(place: Path, command: str, given: dict[str, str]) -> Iterator[Server]:
    place.mkdir()
    with Server(place, command=command, **given) as server:
        yield server
