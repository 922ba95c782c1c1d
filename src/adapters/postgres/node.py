"""One server: its connections, and calls that are answered in time whatever it does."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool

from profilecore.adapters.postgres.connecting import (
    Connection,
    PostgresAddress,
    has_spoken,
    sever,
)
from profilecore.adapters.postgres.errors import BEHIND, LATE, READ_ONLY, meaning, translated
from profilecore.errors import Unavailable

Rows: TypeAlias = list[tuple[Any, ...]]
Parameters: TypeAlias = tuple[Any, ...] | Mapping[str, Any]

WAITING_MAX: Final = 1_000

_RECONNECT: Final = 2.0
_CLOSE_MAX: Final = 2.0


class PostgresNode:
    """One server of a database.

    A call is answered by its deadline, the wait for one of the `pool_max` connections included;
    one that finds `WAITING_MAX` others waiting is refused at once. A caller that is cancelled ends
    its wait, and not its call. Use it from one event loop.
    """

    def __init__(
        self, address: PostgresAddress, *, pool_max: int, statement_timeout: float
    ) -> None:
        self.address = address
        self._pool_max = pool_max
        self._statement_timeout = statement_timeout
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._under_way: set[asyncio.Task[Rows]] = set()

    @property
    def load(self) -> int:
        """How many calls are under way."""
        return len(self._under_way)

    def pooled(self) -> tuple[int, int, int]:
        """How many connections are in use, how many are idle, and how many calls wait for one."""
        stats = {} if self._pool is None else self._pool.get_stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        return size - idle, idle, stats.get("requests_waiting", 0)

    async def open(self) -> None:
        """Make the pool; a server that is not there shows at the first call."""
        if self._pool is not None:
            return
        pool = AsyncConnectionPool[Connection](
            self.address.conninfo(),
            kwargs=self.address.options(self._statement_timeout),
            min_size=1,
            max_size=self._pool_max,
            max_waiting=WAITING_MAX,
            # Soon given up, and begun anew by whoever asks next: the pauses of a longer try grow.
            reconnect_timeout=_RECONNECT,
            open=False,
        )
        await pool.open()
        self._pool = pool

    async def close(self) -> None:
        """Finish what is under way, in bounded time."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        while self._under_way:
            await asyncio.wait(self._under_way)
        await pool.close(_CLOSE_MAX)

    async def fetch(self, statement: str, parameters: Parameters, deadline: float) -> Rows:
        """Give the rows of one statement, which is a transaction of its own.

        `deadline` is in the time of `time.monotonic`.
        """
        pool = self._pool
        if pool is None:
            raise Unavailable("The database is not open.")
        with translated():
            connection = await _taken(pool, deadline)
            call = asyncio.create_task(_run(pool, connection, deadline, statement, parameters))
            self._under_way.add(call)
            call.add_done_callback(self._over)
            return await asyncio.shield(call)

    def _over(self, call: asyncio.Task[Rows]) -> None:
        self._under_way.discard(call)
        if not call.cancelled():
            call.exception()  # its caller may be gone


async def _taken(pool: AsyncConnectionPool[Connection], deadline: float) -> Connection:
    """A connection that is not known to be at its end."""
    while True:
        connection = await pool.getconn(timeout=deadline - time.monotonic())
        if not has_spoken(connection):
            return connection
        await connection.close()
        await pool.putconn(connection)


async def _run(
    pool: AsyncConnectionPool[Connection],
    connection: Connection,
    deadline: float,
    statement: str,
    parameters: Parameters,
) -> Rows:
    loop = asyncio.get_running_loop()
    timer = loop.call_later(deadline - time.monotonic(), sever, connection)
    try:
        cursor = await connection.execute(statement, parameters)
        rows: Rows = await cursor.fetchall()
    except psycopg.OperationalError as error:
        if time.monotonic() >= deadline:
            raise Unavailable(LATE) from error
        raise meaning(error) from error
    except psycopg.Error as error:
        if error.sqlstate in (READ_ONLY, BEHIND):
            await connection.close()  # the next one may lead to the server that took over
        raise
    finally:
        timer.cancel()
        await pool.putconn(connection)
    return rows
