"""API tokens in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.adapters.codec.tokens import TOKEN, token_columns, token_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.paging import microseconds
from profilecore.token import Token, taken

_INSERT: Final = (
    f"INSERT INTO tokens ({TOKEN}) VALUES ({', '.join(f'%({c})s' for c in TOKEN.split(', '))})"  # noqa: S608
    " ON CONFLICT (id) DO NOTHING RETURNING 1"
)
_BY_ID: Final = f"SELECT {TOKEN} FROM tokens WHERE id = ANY(%s)"  # noqa: S608 - the names are our own
_ALL: Final = f"SELECT {TOKEN} FROM tokens ORDER BY id DESC"  # noqa: S608
_REVOKE: Final = """
    UPDATE tokens SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING 1
"""
# In one order, so that those who note the same tokens do not wait for one another in a circle.
_USED: Final = """
    WITH later AS (
        SELECT t.id, m.at FROM tokens t
        JOIN unnest(%s::uuid[], %s::bigint[]) m (id, at) ON m.id = t.id
        ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tokens t SET used_at = greatest(t.used_at, later.at) FROM later WHERE t.id = later.id
    RETURNING 1
"""


class PostgresTokens:
    """The Tokens port on a PostgresDatabase. All is read on the primary."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def add(self, token: Token) -> None:
        if not await self._database.fetch(_INSERT, {"id": token.id, **token_columns(token)}):
            raise taken(token)

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Token]:
        rows = await self._database.fetch(_BY_ID, (list(ids),)) if ids else []
        return {token.id: token for token in map(token_of, rows)}

    async def list(self) -> Sequence[Token]:
        return [token_of(row) for row in await self._database.fetch(_ALL, ())]

    async def revoke(self, token_id: UUID, at: datetime) -> bool:
        return bool(await self._database.fetch(_REVOKE, (microseconds(at), token_id)))

    async def used(self, moments: Mapping[UUID, datetime]) -> None:
        asked = (list(moments), [microseconds(at) for at in moments.values()])
        await self._database.fetch(_USED, asked)
