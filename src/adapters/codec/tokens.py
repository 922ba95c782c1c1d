"""How API tokens are written down, the same in every adapter."""

from typing import Any, Final

from profilecore.access import Scope
from profilecore.adapters.codec import Garbled, id_of, microseconds_or_none, moment_or_none
from profilecore.errors import Invalid
from profilecore.paging import microseconds, moment
from profilecore.token import Token

TOKEN: Final = "id, name, subject, scopes, digest, created_at, expires_at, revoked_at, used_at"  # noqa: S105


def token_of(row: tuple[Any, ...]) -> Token:
    """The token in a table's row of `TOKEN`; its id is a UUID, or the bytes of one."""
    id_, name, subject, scopes, digest, created_at, expires_at, revoked_at, used_at = row
    try:
        held = scopes.split()
        return Token(
            id=id_of(id_),
            name=name,
            subject=subject,
            # One that only a later release knows gives no right in this one.
            scopes=frozenset(scope for scope in Scope if scope in held),
            digest=bytes(digest),
            created_at=moment(created_at),
            expires_at=moment_or_none(expires_at),
            revoked_at=moment_or_none(revoked_at),
            used_at=moment_or_none(used_at),
        )
    except (Invalid, ValueError, TypeError, OverflowError) as error:
        raise Garbled("A token in the database cannot be read.") from error


def token_columns(token: Token) -> dict[str, Any]:
    """What a table keeps of a token, by column; the id is the table's own matter."""
    return {
        "name": token.name,
        "subject": token.subject,
        "scopes": " ".join(sorted(token.scopes)),
        "digest": token.digest,
        "created_at": microseconds(token.created_at),
        "expires_at": microseconds_or_none(token.expires_at),
        "revoked_at": microseconds_or_none(token.revoked_at),
        "used_at": microseconds_or_none(token.used_at),
    }
