"""How tasks have ended, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from profilecore.adapters.codec.tasks import ENDING, ending_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.trimming import Trimming
from profilecore.ending import Ending
from profilecore.errors import NotFound

_END: Final = 2**63 - 1
# With a parameter, because without one PostgreSQL keeps the plan that it made first.
_POSITION: Final = "SELECT coalesce(max(position), 0) FROM endings WHERE position > %s"
# A row that tells whether the place is known is there also where no end is; as for events, the one
# row of `log` is not joined.
_READ: Final = f"""
    SELECT (SELECT endings_trimmed FROM log) = %(after)s
            OR EXISTS (SELECT FROM endings WHERE position = %(after)s),
        found.*
    FROM (SELECT) one LEFT JOIN LATERAL (
        SELECT {ENDING} FROM endings WHERE position > %(after)s ORDER BY position LIMIT %(limit)s
    ) found ON true ORDER BY found.position
"""  # noqa: S608 - the names are our own
_TRIM: Final = Trimming("endings", "endings_trimmed")


class PostgresEndings:
    """The Endings port on a PostgresDatabase.

    Positions go on in another era where a server was promoted, as those of its log do.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def read(self, after: int, limit: int) -> Sequence[Ending]:
        parameters = {"after": max(-1, min(after, _END)), "limit": limit}
        rows = await self._database.fetch(_READ, parameters)
        if not rows[0][0]:
            raise NotFound(f"The ends of tasks do not go on from {after}.", code="position_gone")
        return [ending_of(row[1:]) for row in rows if row[1] is not None]

    async def position(self) -> int:
        ((newest,),) = await self._database.fetch(_POSITION, (0,))
        return int(newest)

    async def trim(self, older_than: datetime) -> int:
        return await _TRIM(self._database, older_than)
