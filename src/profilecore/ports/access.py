"""Who is asking: what tells it from a credential, and where API tokens are kept."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from profilecore.access import Caller
from profilecore.token import Token


class Authenticator(Protocol):
    """Tells who somebody is by the credential that they show."""

    async def authenticate(self, credential: str) -> Caller:
        """Give who shows this, the text after the word Bearer: whatever a stranger may send.

        Raises Denied `unauthenticated`, whose detail tells what is wrong and nothing of the
        credential, in a time that says nothing of it either.
        """
        ...


class Tokens(Protocol):
    """The API tokens that were given out, the revoked ones too."""

    async def add(self, token: Token) -> None:
        """Keep a new one. Raises Conflict `id_taken` where its id is there."""
        ...

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Token]:
        """Read any number of them; what is not there is left out. Sees every write answered."""
        ...

    async def list(self) -> Sequence[Token]:
        """Give all, the newest (greatest id) first: people make them, so they are few."""
        ...

    async def revoke(self, token_id: UUID, at: datetime) -> bool:
        """End it, and note that time; False where there is none.

        One that was revoked before keeps the time of then.
        """
        ...

    async def used(self, moments: Mapping[UUID, datetime]) -> None:
        """Note when tokens were last used; an older time than the one kept changes nothing."""
        ...
