"""The database: opening and closing it, and the way to the server that a call is for."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from profilecore.adapters.postgres.connecting import PostgresAddress, connected
from profilecore.adapters.postgres.errors import NOT_MIGRATED, translated
from profilecore.adapters.postgres.migrate import pending
from profilecore.adapters.postgres.node import Parameters, PostgresNode, Rows
from profilecore.adapters.postgres.rows import NEWEST
from profilecore.adapters.postgres.servers import LOST, Report, Server, Servers, Standing
from profilecore.adapters.postgres.writer import Writer
from profilecore.errors import Unavailable
from profilecore.event import era

GRACE: Final = 0.3  # seconds, for a server's own "it took too long" to arrive
INTERVAL: Final = 0.5

# How far the log goes in the instant of an answer, also where that is empty. The join is a loop
# over its one row on the left, so that the order of the answer stays.
_DATED: Final = f"""
    SELECT log.newest, answer.* FROM ({NEWEST}) log(newest)
    LEFT JOIN LATERAL (SELECT true, dated.* FROM ({{}}) dated) answer ON true
"""  # noqa: S608 - the names are our own
_STANDING_MAX: Final = 1.0
_STANDING: Final = "SELECT writable, timeline, position FROM profilecore_standing()"


class PostgresDatabase:
    """One database for any number of processes, on one server or several.

    `hosts` are servers of which one is the primary; whichever was promoted last is taken within
    about a second, without a restart. `replicas` take reads while they are in step. A call is
    answered within `statement_timeout` and `GRACE` seconds. Use it from one event loop.
    """

    def __init__(
        self,
        *hosts: PostgresAddress,
        replicas: Sequence[PostgresAddress] = (),
        pool_max: int = 10,
        statement_timeout: float = 1.5,
        connect_timeout: float = 10.0,
        turned: Callable[[str, str], None] = lambda where, what: None,
    ) -> None:
        self._hosts = hosts
        self._statement_timeout = statement_timeout
        self._connect_timeout = connect_timeout
        self._servers = Servers(
            (
                Server(
                    PostgresNode(address, pool_max=pool_max, statement_timeout=statement_timeout),
                    candidate=address in hosts,
                    reader=address in replicas,
                )
                for address in dict.fromkeys([*hosts, *replicas])
            ),
            turned=turned,
        )
        self._open = False
        self._watches: list[asyncio.Task[None]] = []
        self._newest = 0
        self.writer = Writer(self._write, statement_timeout + GRACE)

    async def open(self) -> None:
        """Connect, waiting at most `connect_timeout` seconds for a server that is starting.

        Raises Unavailable that says what is wrong, and what to do. Changes nothing.
        """
        if self._open:
            return
        options = self._hosts[0].options(self._statement_timeout)
        connection = await connected(self._hosts, self._connect_timeout, options)
        async with connection:
            with translated():
                if await pending(connection):
                    raise Unavailable(NOT_MIGRATED)
        for server in self._servers.all:
            await server.node.open()
        self._open = True
        if len(self._servers.all) > 1:
            await asyncio.gather(*map(self._ask, self._servers.all))
            self._watches = [asyncio.create_task(self._watch(s)) for s in self._servers.all]

    async def close(self) -> None:
        """Finish what was accepted, in bounded time."""
        if not self._open:
            return
        await self.writer.close()  # through the pool
        self._open = False
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches = []
        for server in self._servers.all:
            await server.node.close()

    async def ping(self) -> None:
        """Read from the primary, or raise Unavailable."""
        await self.fetch("SELECT trimmed FROM log", ())

    async def fetch(self, statement: str, parameters: Parameters) -> Rows:
        """Give the rows of one statement on the primary, a transaction of its own."""
        node = self._servers.primary.node
        return await node.fetch(statement, parameters, self._deadline())

    async def read(self, statement: str, parameters: Parameters, at_least: int | None) -> Rows:
        """As `fetch`, but from a replica if one has the log up to `at_least`."""
        server = None if at_least is None else self._servers.reader(at_least)
        if server is not None and at_least is not None:
            # A replica that does not answer leaves the primary time to.
            deadline = time.monotonic() + self._statement_timeout / 2
            try:
                rows = await server.node.fetch(_DATED.format(statement), parameters, deadline)
            except Unavailable:
                self._servers.note(server, LOST)
            else:
                if self._servers.saw(server, rows[0][0], at_least):
                    return [row[2:] for row in rows if row[1]]
        return await self.fetch(statement, parameters)

    def era(self) -> int:
        """The era of the log, as far as this process knows."""
        return era(self._newest)

    def saw(self, newest: int) -> None:
        """Note a position that the log has reached, or an era in which it goes on."""
        self._newest = max(self._newest, newest)

    def servers(self) -> list[Report]:
        """How each server does, as far as this process knows."""
        return self._servers.reports()

    async def _write(self, statement: str, calls: str) -> Rows:
        return await self.fetch(statement, (calls, self._newest))

    async def _watch(self, server: Server) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self._ask(server)

    async def _ask(self, server: Server) -> None:
        try:
            deadline = time.monotonic() + _STANDING_MAX
            (row,) = await server.node.fetch(_STANDING, (), deadline)
        except Unavailable:
            self._servers.note(server, LOST)
        else:
            self._servers.note(server, Standing(*row))

    def _deadline(self) -> float:
        return time.monotonic() + self._statement_timeout + GRACE
