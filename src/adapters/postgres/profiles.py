"""Profiles in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from profilecore.adapters.codec import PROFILE, profile_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.adapters.postgres.errors import FAILED, translated
from profilecore.adapters.postgres.receipts import receipt_of, repeated
from profilecore.adapters.postgres.rows import row_of
from profilecore.adapters.postgres.writer import Answer
from profilecore.errors import ProfilecoreError, Unavailable
from profilecore.event import Change, Event
from profilecore.paging import Count, Page, Query, Sort, microseconds
from profilecore.profile import Profile
from profilecore.receipt import Receipt

PURGED_AT_ONCE: Final = 500
BARED_AT_ONCE: Final = 5_000

_BY_ID: Final = f"SELECT {PROFILE} FROM profiles WHERE id = ANY(%s)"  # noqa: S608
_BY_EMAIL: Final = f"SELECT {PROFILE} FROM profiles WHERE email_key = %s AND deleted_at IS NULL"  # noqa: S608
_PURGE: Final = "SELECT profilecore_purge(%s, %s)"
_ERASE: Final = "SELECT * FROM profilecore_erase_some(%s, %s)"
_ESCAPED: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class PostgresProfiles:
    """The Profiles port on a PostgresDatabase."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        if not ids:
            return {}
        rows = await self._database.read(_BY_ID, (list(ids),), at_least)
        return {profile.id: profile for profile in map(profile_of, rows)}

    async def list(self, query: Query, *, at_least: int | None = None) -> Page:
        if query.ids is not None:
            return query.page((await self.get(query.ids, at_least=at_least)).values())
        if query.email is not None:
            key = None if query.email_key is None else _text(query.email_key)
            rows = await self._database.read(_BY_EMAIL, (key,), at_least)
            return query.page(map(profile_of, rows))
        rows = await self._database.read(*statement(query), at_least)
        found = [profile_of(row[1:-1]) for row in rows if row[1] is not None]
        return Page.cut(found, query, rows[0][0])

    async def write(
        self, changes: Sequence[Change], *, atomic: bool, receipt: Receipt | None = None
    ) -> Sequence[Event | ProfilecoreError]:
        if not changes and receipt is None:
            return []
        with translated():
            call: dict[str, Any] = {"atomic": atomic, "changes": list(map(row_of, changes))}
            if receipt is not None:
                call["receipt"] = receipt_of(receipt)
            text = msgspec.json.encode(call).decode()
        answers = await self._database.writer.write(
            text, len(changes), has_receipt=receipt is not None
        )
        if answers and answers[0].kept is not None:
            raise repeated(answers[0].kept)
        outcomes: list[Event | ProfilecoreError] = []
        # An atomic call is answered up to its first refusal.
        for index, (change, answer) in enumerate(zip(changes, answers, strict=not atomic)):
            outcome = _outcome(change, answer)
            if atomic and isinstance(outcome, ProfilecoreError):
                outcome.item = index
                raise outcome
            outcomes.append(outcome)
        # Not before: of an atomic call that is refused no position was kept.
        positions = (outcome.position for outcome in outcomes if isinstance(outcome, Event))
        self._database.saw(max(positions, default=0))
        return outcomes

    async def purge(self, deleted_before: datetime) -> int:
        """As the port has it, in portions, so that other writes get their turn."""
        total = 0
        while True:
            purged: int
            parameters = (microseconds(deleted_before), PURGED_AT_ONCE)
            ((purged,),) = await self._database.fetch(_PURGE, parameters)
            total += purged
            if purged < PURGED_AT_ONCE:
                return total

    async def erase(self, ids: Collection[UUID]) -> int:
        """As the port has it, in portions of their histories, so that each ends in time."""
        total, more = 0, bool(ids)
        while more:
            removed: int
            ((removed, more),) = await self._database.fetch(_ERASE, (list(ids), BARED_AT_ONCE))
            total += removed
        return total


def statement(query: Query) -> tuple[str, tuple[Any, ...]]:
    """The page that `query` asks for, by sort, cursor and `q`, with one row more than its limit.

    Each row begins with the total and ends with its place; an empty page has one with no profile.
    """
    where, sought = "deleted_at IS NULL", tuple[str, ...]()
    if query.owner is not None:
        where, sought = f"{where} AND owner = %s", (_text(query.owner),)
    if query.q:
        where += " AND (name_key LIKE %s OR email_key LIKE %s)"
        sought += tuple(f"%{_text(needle).translate(_ESCAPED)}%" for needle in query.needles)
    total, counted = _total(query, where, sought)
    place, after = "", tuple[Any, ...]()
    column = "name_key" if query.sort is Sort.NAME else query.sort.field
    direction, comparison = ("DESC", "<") if query.sort.descending else ("ASC", ">")
    if query.after is not None:
        key = query.after.key
        place = f" AND ({column}, id) {comparison} (%s, %s)"
        after = (_text(key) if isinstance(key, str) else key, query.after.id)
    sql = f"""
        SELECT counted.total, found.* FROM (SELECT {total} AS total) counted LEFT JOIN LATERAL (
            SELECT {PROFILE}, {column} AS place FROM profiles WHERE {where}{place}
            ORDER BY {column} {direction}, id {direction} LIMIT %s
        ) found ON true ORDER BY found.place {direction}, found.id {direction}
    """  # noqa: S608 - the names are our own
    return sql, (*counted, *sought, *after, query.limit + 1)


def _total(query: Query, where: str, sought: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    if query.count is Count.NONE:
        return "NULL::bigint", ()
    if query.count is Count.ESTIMATED and query.owner is None:
        return "profilecore_estimate(%s, %s)", sought or (None, None)
    return f"(SELECT count(*) FROM profiles WHERE {where})", sought  # noqa: S608


def _text(text: str) -> str:
    """A text to compare with. PostgreSQL has no NUL, and no profile a control character."""
    return text.replace("\0", "\x01")


def _outcome(change: Change, answer: Answer) -> Event | ProfilecoreError:
    if answer.position is not None:
        return change.event(answer.position)
    refusal = change.refusal(answer.stored, email_taken=bool(answer.taken))
    if refusal is None and change.profile.images:
        return change.image_gone  # nothing else stands in its way
    return refusal or Unavailable(FAILED)
