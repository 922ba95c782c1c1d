"""A primary and a streaming replica, and databases on both."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from profilecore.adapters.postgres import PostgresAddress, PostgresDatabase
from tests.support.postgres import Postgres, database, execute, settings, using

CAUGHT_UP_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers with one migrated database."""

    primary: Postgres
    replica: Postgres
    name: str

    @property
    def hosts(self) -> tuple[PostgresAddress, PostgresAddress]:
        """The database on the one that is the primary at first, and on the other."""
        one, other = (
            replace(server.address, name=self.name) for server in (self.primary, self.replica)
        )
        return one, other

    def settings(self) -> dict[str, str]:
        """What a process is told of both."""
        names = [f"{address.host}:{address.port}" for address in self.hosts]
        there = {"DB_HOST": ",".join(names), "DB_REPLICA_HOSTS": ",".join(names)}
        return {**settings(self.hosts[0]), **there}

    def synchronous(self) -> None:
        """From now on a commit is answered when the replica has it on its disk."""
        name = "ALTER SYSTEM SET synchronous_standby_names = '*'"
        execute(self.primary.address, name, "SELECT pg_reload_conf()")
        self.caught_up()
        until(lambda: self._sync_state() == "sync")

    def caught_up(self) -> None:
        """Wait until the replica has replayed all that the primary has."""
        ((end,),) = execute(self.primary.address, "SELECT pg_current_wal_lsn()::text")
        query = f"SELECT pg_last_wal_replay_lsn() >= '{end}'"
        until(lambda: execute(self.replica.address, query) == [(True,)])

    def _sync_state(self) -> str:
        rows = execute(self.primary.address, "SELECT sync_state FROM pg_stat_replication")
        return str(rows[0][0]) if rows else ""

    @asynccontextmanager
    async def using(self, **options: Any) -> AsyncIterator[PostgresDatabase]:
        """The adapter on both, reading from either."""
        async with using(*self.hosts, replicas=self.hosts, **options) as database:
            yield database


def until(reached: Callable[[], bool]) -> None:
    """Wait for something outside that is sure to come."""
    deadline = time.monotonic() + CAUGHT_UP_MAX
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def soon(reached: Callable[[], bool], seconds: float) -> float:
    """How many seconds it takes, `seconds` at most."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def replicated() -> Iterator[Pair]:
    """Two servers of one's own, which may be stopped, killed and promoted."""
    primary = Postgres()
    try:
        primary.start()
        with database(primary.address, dropped=False) as address:
            replica = Postgres(primary)
            try:
                replica.start()
                pair = Pair(primary, replica, address.name)
                pair.caught_up()
                yield pair
            finally:
                replica.close()
    finally:
        primary.close()
