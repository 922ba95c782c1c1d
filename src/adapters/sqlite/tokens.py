"""API tokens in SQLite."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.adapters.codec.tokens import TOKEN, token_columns, token_of
from profilecore.adapters.sqlite.database import SqliteDatabase
from profilecore.paging import microseconds
from profilecore.token import Token, taken

_INSERT: Final = (
    f"INSERT INTO tokens ({TOKEN}) VALUES ({', '.join(f':{c}' for c in TOKEN.split(', '))})"  # noqa: S608
    " ON CONFLICT (id) DO NOTHING"
)
_BY_ID: Final = f"SELECT {TOKEN} FROM tokens WHERE id = ?"  # noqa: S608 - the names are our own
_ALL: Final = f"SELECT {TOKEN} FROM tokens ORDER BY id DESC"  # noqa: S608
_REVOKE: Final = "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?"
_USED: Final = "UPDATE tokens SET used_at = max(coalesce(used_at, :at), :at) WHERE id = :id"


class SqliteTokens:
    """The Tokens port on a SqliteDatabase."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, token: Token) -> None:
        row = {"id": token.id.bytes, **token_columns(token)}
        if not await self._database.execute(_INSERT, row):
            raise taken(token)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Token]:
        return await self._database.read(lambda connection: _by_id(connection, ids))

    async def list(self) -> Sequence[Token]:
        return await self._database.read(
            lambda connection: [token_of(row) for row in connection.execute(_ALL)]
        )

    async def revoke(self, token_id: UUID, at: datetime) -> bool:
        return bool(await self._database.execute(_REVOKE, (microseconds(at), token_id.bytes)))

    async def used(self, moments: Mapping[UUID, datetime]) -> None:
        rows = ({"id": i.bytes, "at": microseconds(at)} for i, at in moments.items())
        await self._database.execute(_USED, *rows)


def _by_id(connection: sqlite3.Connection, ids: Collection[UUID]) -> dict[UUID, Token]:
    rows = [connection.execute(_BY_ID, (token_id.bytes,)).fetchone() for token_id in set(ids)]
    found = [token_of(row) for row in rows if row is not None]
    return {token.id: token for token in found}
