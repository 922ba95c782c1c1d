"""How far the log was published, in PostgreSQL."""

from typing import Final

from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.rows import NEWEST

_HOLD: Final = f"""
    INSERT INTO bookmarks AS b (name, position, holder, held_until)
    SELECT %(name)s, newest, %(holder)s, profilecore_now() + %(microseconds)s
    FROM ({NEWEST}) log (newest)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE b.holder = excluded.holder OR b.held_until < profilecore_now()
    RETURNING coalesce(
        (SELECT max(position) FROM events WHERE position <= b.position), (SELECT trimmed FROM log)
    )
"""  # noqa: S608 - the names are our own
_ADVANCE: Final = """
    UPDATE bookmarks SET position = greatest(position, %s)
    WHERE name = %s AND holder = %s AND held_until >= profilecore_now() RETURNING 1
"""


class PostgresBookmark:
    """The Bookmark port on a PostgresDatabase, by whose clock it is held."""

    def __init__(self, database: PostgresDatabase, name: str) -> None:
        self._database = database
        self._name = name

    async def hold(self, holder: str, seconds: float) -> int | None:
        asked = {"name": self._name, "holder": holder, "microseconds": round(seconds * 1e6)}
        rows = await self._database.fetch(_HOLD, asked)
        return rows[0][0] if rows else None

    async def advance(self, holder: str, position: int) -> bool:
        return bool(await self._database.fetch(_ADVANCE, (position, self._name, holder)))
