"""A log's oldest entries are forgotten."""

from datetime import datetime
from typing import Final

from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.paging import microseconds

TRIMMED_AT_ONCE: Final = 5_000

_END: Final = 2**63 - 1
# The oldest of a portion up to the first that is young or the newest of all.
_TRIM: Final = """
    WITH oldest AS (
        SELECT position, at FROM {table}
        WHERE position < (SELECT coalesce(max(position), 0) FROM {table})
        ORDER BY position LIMIT %s
    ), old AS (
        SELECT max(position) AS last FROM oldest WHERE position < coalesce(
            (SELECT min(position) FROM oldest WHERE at >= %s), {end}
        )
    ), gone AS (
        DELETE FROM {table} USING old WHERE position <= old.last RETURNING 1
    ), noted AS (
        UPDATE log SET {mark} = greatest({mark}, old.last) FROM old WHERE old.last IS NOT NULL
    )
    SELECT count(*) FROM gone
"""


class Trimming:
    """Of a `table` with positions and times; how far it went is kept in the column `mark`."""

    def __init__(self, table: str, mark: str) -> None:
        self.sql = _TRIM.format(table=table, mark=mark, end=_END)

    async def __call__(self, database: PostgresDatabase, older_than: datetime) -> int:
        """Forget what is older, in portions, so that each ends in time."""
        total = 0
        while True:
            trimmed: int
            parameters = (TRIMMED_AT_ONCE, microseconds(older_than))
            ((trimmed,),) = await database.fetch(self.sql, parameters)
            total += trimmed
            if trimmed < TRIMMED_AT_ONCE:
                return total
