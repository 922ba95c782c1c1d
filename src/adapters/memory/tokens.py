"""API tokens in a dict. No verb awaits, so each is a transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from profilecore.token import Token, taken


class MemoryTokens:
    """The Tokens port."""

    def __init__(self) -> None:
        self._rows: dict[UUID, Token] = {}

    async def add(self, token: Token) -> None:
        if token.id in self._rows:
            raise taken(token)
        self._rows[token.id] = token

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Token]:
        return {token_id: self._rows[token_id] for token_id in ids if token_id in self._rows}

    async def list(self) -> Sequence[Token]:
        return sorted(self._rows.values(), key=lambda token: token.id, reverse=True)

    async def revoke(self, token_id: UUID, at: datetime) -> bool:
        token = self._rows.get(token_id)
        if token is not None and token.revoked_at is None:
            self._rows[token_id] = replace(token, revoked_at=at)
        return token is not None

    async def used(self, moments: Mapping[UUID, datetime]) -> None:
        for token_id, at in moments.items():
            token = self._rows.get(token_id)
            if token is not None and (token.used_at is None or token.used_at < at):
                self._rows[token_id] = replace(token, used_at=at)
