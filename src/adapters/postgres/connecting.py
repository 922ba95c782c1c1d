"""Reaching a server: where it is, whether it is up, and what to say where it cannot be used."""

import asyncio
import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from profilecore.errors import Unavailable

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

PLAIN: Final[Mapping[str, Any]] = {"autocommit": True, "prepare_threshold": None}
PREPARED_AFTER: Final = 5  # uses of a statement on one connection
_ATTEMPT_MAX: Final = 2  # seconds, the least that libpq knows
_BETWEEN_ATTEMPTS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """One database on one server; without a password libpq looks where it always does.

    `prepared` has to be off behind a pooler that shares its connections between transactions,
    such as pgbouncer: it would mix up prepared statements, and it refuses options at the start.
    `sslmode` is one of libpq's, which prefers TLS by itself; `ca_file` holds the certificates
    that the server's has to be signed by, where the mode asks for that.
    """

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    name: str
    prepared: bool = True
    sslmode: str | None = None
    ca_file: str | None = None

    @property
    def where(self) -> str:
        """Host and port, for people."""
        return f"{self.host} port {self.port}"

    def conninfo(self) -> str:
        """What libpq is told; it also notices a server that vanished while nothing was asked."""
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=self.name,
            application_name="profilecore",
            client_encoding="utf8",
            connect_timeout=_ATTEMPT_MAX,
            keepalives_idle=10,
            keepalives_interval=2,
            keepalives_count=3,
            sslmode=self.sslmode,
            sslrootcert=self.ca_file,
        )

    def options(self, statement_timeout: float) -> dict[str, Any]:
        """How connections for calls are made; the server itself ends what takes too long."""
        threshold = PREPARED_AFTER if self.prepared else None
        kept: dict[str, Any] = {"autocommit": True, "prepare_threshold": threshold}
        if self.prepared:
            # A plan that was made while a table was small reads all of it when it has grown. And to
            # compile one takes longer than any of ours takes to run, a second on a busy machine.
            kept["options"] = (
                f"-c statement_timeout={round(statement_timeout * 1000)}"
                " -c plan_cache_mode=force_custom_plan -c jit=off"
            )
        return kept

    def unusable(self, why: object) -> Unavailable:
        """What whoever started the process is told, in one line."""
        reason = " ".join(str(why).strip().partition("\n")[0].split()).rstrip(".")
        return Unavailable(
            f"The database {self.name} at {self.where} cannot be used: {reason}."
            " See DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME."
        )


async def connected(
    hosts: Sequence[PostgresAddress],
    timeout: float,  # noqa: ASYNC109 - the bound is the point
    options: Mapping[str, Any] = PLAIN,
) -> Connection:
    """A connection to the primary among `hosts`.

    Waits at most about `timeout` seconds for a server that is starting, or being promoted. One
    that is up and refuses twice is not waited for: asking again does not change a password. What
    it says once may be of a connection that was lost just then.
    """
    deadline = time.monotonic() + timeout
    said: dict[str, str] = {}
    while True:
        hopeless: list[Unavailable] = []
        for address in hosts:
            # Asked first: a refusal that comes while it is starting would look final.
            up = await asyncio.to_thread(_is_up, address)
            try:
                return await _primary(address, options)
            except (psycopg.Error, _IsReplica) as error:
                refusal = address.unusable(error)
                refusal.__cause__ = error
            again = said.get(address.where) == refusal.detail
            said[address.where] = refusal.detail
            final = up and again and not isinstance(refusal.__cause__, _IsReplica)
            if final or time.monotonic() > deadline:
                hopeless.append(refusal)
        if len(hopeless) == len(hosts):
            raise hopeless[0]
        await asyncio.sleep(_BETWEEN_ATTEMPTS)


class _IsReplica(Exception):
    def __str__(self) -> str:
        return "it is a replica, and the primary is needed"


async def _primary(address: PostgresAddress, options: Mapping[str, Any]) -> Connection:
    connection = await psycopg.AsyncConnection.connect(address.conninfo(), **options)
    cursor = await connection.execute("SELECT pg_is_in_recovery()")
    if await cursor.fetchone() == (True,):
        await connection.close()
        raise _IsReplica
    return connection


def _is_up(address: PostgresAddress) -> bool:
    return pq.PGconn.ping(address.conninfo().encode()) == pq.Ping.OK


def has_spoken(connection: Connection) -> bool:
    """Whether an idle connection has something to read: its end, as a rule. Asks nobody."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def sever(connection: Connection) -> None:
    """Cut a connection off, so that whoever waits for it fails now.

    To cancel the wait would not do: psycopg then waits for the server to confirm it.
    """
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.OperationalError):  # it was at its end already
        pass
