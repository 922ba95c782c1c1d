"""The database: opening and closing it, and calls that are answered in time whatever it does."""

import asyncio
import time
from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

from profilecore.adapters.postgres.connecting import (
    Connection,
    PostgresAddress,
    connected,
    has_spoken,
    sever,
)
from profilecore.adapters.postgres.errors import LATE, NOT_MIGRATED, meaning, translated
from profilecore.adapters.postgres.migrate import pending
from profilecore.adapters.postgres.writer import Writer
from profilecore.errors import Unavailable

WAITING_MAX: Final = 1_000
GRACE: Final = 0.3  # seconds, for a server's own "it took too long" to arrive

_RECONNECT: Final = 2.0
_CLOSE_MAX: Final = 2.0


class PostgresDatabase:
    """One database for any number of processes.

    A call is answered within `statement_timeout` and `GRACE` seconds, the wait for one of the
    `pool_max` connections included; one that finds `WAITING_MAX` others waiting is refused at
    once. A caller that is cancelled ends its wait, and not its call. Use it from one event loop.
    """

    def __init__(
        self,
        address: PostgresAddress,
        *,
        pool_max: int = 10,
        statement_timeout: float = 1.5,
        connect_timeout: float = 10.0,
    ) -> None:
        self._address = address
        self._pool_max = pool_max
        self._statement_timeout = statement_timeout
        self._connect_timeout = connect_timeout
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._under_way: set[asyncio.Task[list[tuple[Any, ...]]]] = set()
        self.writer = Writer(self.fetch, statement_timeout + GRACE)

    async def open(self) -> None:
        """Connect, waiting at most `connect_timeout` seconds for a server that is starting.

        Raises Unavailable that says what is wrong, and what to do. Changes nothing.
        """
        if self._pool is not None:
            return
        options = self._address.options(self._statement_timeout)
        connection = await connected(self._address, self._connect_timeout, options)
        async with connection:
            with translated():
                if await pending(connection):
                    raise Unavailable(NOT_MIGRATED)
        pool = AsyncConnectionPool[Connection](
            self._address.conninfo(),
            kwargs=options,
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
        """Finish what was accepted, in bounded time."""
        pool = self._pool
        if pool is None:
            return
        await self.writer.close()  # through the pool
        self._pool = None
        while self._under_way:
            await asyncio.wait(self._under_way)
        await pool.close(_CLOSE_MAX)

    async def ping(self) -> None:
        """Read from it, or raise Unavailable."""
        await self.fetch("SELECT trimmed FROM log", ())

    async def fetch(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Give the rows of one statement, which is a transaction of its own."""
        pool = self._pool
        if pool is None:
            raise Unavailable("The database is not open.")
        deadline = time.monotonic() + self._statement_timeout + GRACE
        with translated():
            connection = await _taken(pool, deadline)
            call = asyncio.create_task(_run(pool, connection, deadline, statement, parameters))
            self._under_way.add(call)
            call.add_done_callback(self._over)
            return await asyncio.shield(call)

    def _over(self, call: asyncio.Task[list[tuple[Any, ...]]]) -> None:
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
    parameters: tuple[Any, ...],
) -> list[tuple[Any, ...]]:
    loop = asyncio.get_running_loop()
    timer = loop.call_later(deadline - time.monotonic(), sever, connection)
    try:
        cursor = await connection.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = await cursor.fetchall()
    except psycopg.OperationalError as error:
        if time.monotonic() >= deadline:
            raise Unavailable(LATE) from error
        raise meaning(error) from error
    finally:
        timer.cancel()
        await pool.putconn(connection)
    return rows
