"""The change log in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.adapters.codec import EVENT, event_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.rows import NEWEST
from profilecore.adapters.postgres.trimming import Trimming
from profilecore.errors import NotFound
from profilecore.event import Event

_END: Final = 2**63 - 1
# With a parameter, because without one PostgreSQL keeps the plan that it made first.
_POSITION: Final = f"{NEWEST} WHERE position > %s"
_AT: Final = f"SELECT {EVENT} FROM events WHERE position = ANY(%s)"  # noqa: S608
# A row with the era, and whether the log knows the place, is there also where no event is. The one
# row of `log` is not joined: no one ever analyses so small a table, and it is taken for thousands,
# for which PostgreSQL would compile the plan, which takes longer than to run it.
_READ: Final = f"""
    SELECT current.era,
        (SELECT trimmed FROM log) = %(after)s
            OR EXISTS (SELECT FROM events WHERE position = %(after)s),
        found.*
    FROM (SELECT profilecore_era() AS era) current LEFT JOIN LATERAL (
        SELECT {EVENT} FROM events WHERE position > %(after)s ORDER BY position LIMIT %(limit)s
    ) found ON true ORDER BY found.position
"""  # noqa: S608 - the names are our own
# By both columns, because for one that changes often the planner would otherwise read the log
# from its end until it has found enough of it, which is all of the log where that was long ago.
_HISTORY: Final = f"""
    SELECT {EVENT} FROM events
    WHERE (profile_id, position) >= (%s, 0) AND (profile_id, position) < (%s, %s)
    ORDER BY profile_id DESC, position DESC LIMIT %s
"""  # noqa: S608
_TRIM: Final = Trimming("events", "trimmed")


class PostgresLog:
    """The Log port on a PostgresDatabase."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        parameters = {"after": max(-1, min(after, _END)), "limit": limit}
        rows = await self._database.fetch(_READ, parameters)
        era, known = rows[0][:2]
        if not known:
            self._database.saw(era)
            raise NotFound(f"The log does not go on from {after}.", code="position_gone")
        events = [event_of(row[2:]) for row in rows if row[2] is not None]
        self._database.saw(max(era, events[-1].position if events else after))
        return events

    async def history(self, profile_id: UUID, before: int | None, limit: int) -> Sequence[Event]:
        below = _END if before is None else min(before, _END)
        rows = await self._database.fetch(_HISTORY, (profile_id, profile_id, below, limit))
        return [event_of(row) for row in rows]

    async def get(self, positions: Collection[int]) -> dict[int, Event]:
        rows = await self._database.fetch(_AT, (list(positions),)) if positions else []
        return {event.position: event for event in map(event_of, rows)}

    async def position(self) -> int:
        ((newest,),) = await self._database.fetch(_POSITION, (0,))
        return int(newest)

    async def trim(self, older_than: datetime) -> int:
        return await _TRIM(self._database, older_than)
