"""How a database comes to have the tables: numbered steps, each once, whoever else tries."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, NamedTuple, TypeAlias

import psycopg

from profilecore.adapters.postgres.connecting import Connection, PostgresAddress, connected
from profilecore.adapters.postgres.errors import translated
from profilecore.errors import Conflict, Unavailable

State: TypeAlias = Literal["applied", "pending", "changed", "later"]

_LOCK: Final = 5787213827046133102
_TURN_MAX: Final = "60s"  # for other processes that migrate
# For a table: all who come after wait as well, and the service's writes give up after a second.
_TABLE_MAX: Final = "500ms"
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)  # seconds, in which those go on who had to wait
_TRIES: Final = len(_PAUSES) + 1
# A vacuum in the background gives way once it has been waited for so long: a second, unless it is
# asked for less, which takes a right that a role may not have.
_VACUUM_MAX: Final = """
    SELECT set_config('deadlock_timeout', '200ms', true)
    WHERE has_parameter_privilege('deadlock_timeout', 'SET')
"""
# The second where somebody waits for a table that the step has, and it for one of theirs.
_TAKEN: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_THERE: Final = "SELECT to_regclass('profilecore_migrations') IS NOT NULL"
_APPLIED: Final = "SELECT number, name, checksum FROM profilecore_migrations ORDER BY number"
_CREATE: Final = """
    CREATE TABLE IF NOT EXISTS profilecore_migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_NOTE: Final = "INSERT INTO profilecore_migrations (number, name, checksum) VALUES (%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered file; never changed once it was released."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells this text from any other."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Stand(NamedTuple):
    """How one step stands in one database; `later` is one that only a later release knows."""

    number: int
    name: str
    state: State


def steps() -> list[Step]:
    """All steps of this release, in order."""
    found = []
    for file in files(__package__).joinpath("migrations").iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            found.append(Step(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda step: step.number)


class _Held(Unavailable):
    """Others hold what a step needs."""


class Migrations:
    """The steps of one database; each verb opens a connection of its own."""

    def __init__(
        self,
        *hosts: PostgresAddress,
        connect_timeout: float = 10.0,
        known: Sequence[Step] | None = None,
    ) -> None:
        self._hosts = hosts
        self._connect_timeout = connect_timeout
        self._steps = steps() if known is None else known

    async def up(self) -> list[Step]:
        """Apply what is pending, and give it.

        Safe where several processes do so at once: they take turns, and each step is a
        transaction. Raises Conflict where an applied step is not what it was, Unavailable where
        one cannot be applied: what it needs was held by others each of five times, for instance.
        """
        done = []
        async with await connected(self._hosts, self._connect_timeout) as connection:
            with translated():
                while (step := await _patiently(connection, self._steps)) is not None:
                    done.append(step)
        return done

    async def status(self) -> list[Stand]:
        """Every step that this release or the database knows. Changes nothing."""
        async with await connected(self._hosts, self._connect_timeout) as connection:
            with translated():
                return await _stands(connection, self._steps)


async def pending(connection: Connection) -> bool:
    """Whether this release misses something; the steps of a later one do not disturb it."""
    stands = await _stands(connection, steps())
    return any(stand.state == "pending" for stand in stands)


async def _patiently(connection: Connection, known: Sequence[Step]) -> Step | None:
    """As `_next`, and again where others held what it needs, a few times."""
    for pause in _PAUSES:
        try:
            return await _next(connection, known)
        except _Held:
            await asyncio.sleep(pause)
    return await _next(connection, known)


async def _next(connection: Connection, known: Sequence[Step]) -> Step | None:
    """Apply the first step that is pending, in its turn."""
    async with connection.transaction():
        # All of it ends with the transaction, so that it holds behind a pooler too, and a process
        # that dies leaves nothing behind.
        await _set(connection, "statement_timeout", "0")
        await _set(connection, "lock_timeout", _TURN_MAX)
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await _set(connection, "lock_timeout", _TABLE_MAX)
        await connection.execute(_VACUUM_MAX)
        stands = await _stands(connection, known)
        for stand in stands:
            if stand.state == "changed":
                raise Conflict(
                    f"Step {stand.number:04} {stand.name} is not the one that was applied to this"
                    " database; use the release that it came from."
                )
        waiting = {stand.number for stand in stands if stand.state == "pending"}
        step = next((step for step in known if step.number in waiting), None)
        if step is not None:
            await connection.execute(_CREATE)
            await _apply(connection, step)
            await connection.execute(_NOTE, (step.number, step.name, step.checksum))
        return step


async def _apply(connection: Connection, step: Step) -> None:
    try:
        await connection.execute(step.sql.encode())
    except psycopg.Error as error:
        failed = f"Step {step.number:04} {step.name} failed, and left nothing behind"
        if isinstance(error, _TAKEN):
            held = f"others held what it needs for more than {_TABLE_MAX}, {_TRIES} times"
            raise _Held(f"{failed}: {held}; run it again.") from error
        why = str(error).partition("\n")[0]
        raise Unavailable(f"{failed}: {why}.") from error


async def _set(connection: Connection, name: str, value: str) -> None:
    await connection.execute("SELECT set_config(%s, %s, true)", (name, value))


async def _stands(connection: Connection, known: Sequence[Step]) -> list[Stand]:
    cursor = await connection.execute(_THERE)
    applied: dict[int, tuple[str, str]] = {}
    if await cursor.fetchone() == (True,):
        cursor = await connection.execute(_APPLIED)
        applied = {number: (name, checksum) for number, name, checksum in await cursor.fetchall()}
    stands = {number: Stand(number, name, "later") for number, (name, _) in applied.items()}
    for step in known:
        state: State = "pending"
        if step.number in applied:
            state = "applied" if applied[step.number][1] == step.checksum else "changed"
        stands[step.number] = Stand(step.number, step.name, state)
    return sorted(stands.values())
