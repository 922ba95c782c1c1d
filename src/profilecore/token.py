"""API tokens: made once, shown once, kept as a hash."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from profilecore.access import Scope
from profilecore.errors import Conflict, FieldError, Invalid
from profilecore.identifiers import new_id
from profilecore.rules import is_line

NAME_MAX: Final = 100
SUBJECT_MAX: Final = 255
SECRET_BYTES: Final = 32
PREFIX: Final = "pct"
# The id is not secret: it finds the row. The secret is 32 random bytes in base64.
SHAPE: Final = re.compile(r"pct_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of an API token: not the secret, but its SHA-256.

    A slow hash would add nothing: the secret is 256 random bits, and not a password. `subject` is
    who its holder is. It ends at `expires_at`, and once it is revoked. Raises Invalid.
    """

    id: UUID
    name: str
    subject: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def __post_init__(self) -> None:
        errors = [
            FieldError(name, f"must be 1 to {most} characters of one line")
            for name, text, most in (
                ("name", self.name, NAME_MAX),
                ("subject", self.subject, SUBJECT_MAX),
            )
            if not 1 <= len(text.strip()) <= len(text) <= most or not is_line(text)
        ]
        if self.expires_at is not None and self.expires_at <= self.created_at:
            errors.append(FieldError("expires_at", "must be in the future"))
        if errors:
            detail = f"Not valid: {', '.join(error.field for error in errors)}."
            raise Invalid(detail, errors=errors)

    def matches(self, secret: str) -> bool:
        """Whether that is its secret, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def valid(self, at: datetime) -> bool:
        """Whether it has neither ended nor been revoked.

        `revoked_at` is by another machine's clock: one that is fast must not put it off.
        """
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token just made: `text` is what its holder shows, and is not kept anywhere."""

    token: Token
    text: str = field(repr=False)


def issued(
    name: str,
    scopes: frozenset[Scope],
    *,
    subject: str | None,
    at: datetime,
    expires_at: datetime | None,
) -> Issued:
    """Make a token; without a subject its holder is `token:` and its id. Raises Invalid."""
    token_id = new_id()
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    token = Token(
        id=token_id,
        name=name,
        subject=f"token:{token_id}" if subject is None else subject,
        scopes=scopes,
        digest=digest_of(secret),
        created_at=at,
        expires_at=expires_at,
    )
    return Issued(token, f"{PREFIX}_{token_id.hex}_{secret}")


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def parsed(text: str) -> tuple[UUID, str] | None:
    """The id and the secret of a token's text; None where it has another shape."""
    found = SHAPE.fullmatch(text)
    return None if found is None else (UUID(found[1]), found[2])


def taken(token: Token) -> Conflict:
    """A token with its id is there already."""
    return Conflict(f"There is a token {token.id} already.", code="id_taken")
