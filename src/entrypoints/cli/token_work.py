"""`profilecore tokens`: making a token, showing all, and ending one."""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

import msgspec

from profilecore import Invalid, NotFound, Scope
from profilecore.entrypoints.cli.exits import PROGRAM, mistaken
from profilecore.entrypoints.cli.output import STANDARD, written
from profilecore.entrypoints.cli.tables import aligned
from profilecore.entrypoints.cli.task_views import moment, plain
from profilecore.entrypoints.wire import ENCODER
from profilecore.ports import Tokens
from profilecore.service import now
from profilecore.token import Issued, Token, issued

_HEAD: Final = ("ID", "NAME", "SUBJECT", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "STATE")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token as it was asked for on the command line."""

    name: str
    scopes: frozenset[Scope]
    subject: str | None
    lasts: timedelta | None

    def issued(self) -> Issued:
        """The token, not kept yet; StoppedError where an option makes no sense."""
        at = now()
        ends = None if self.lasts is None else at + self.lasts
        try:
            return issued(self.name, self.scopes, subject=self.subject, at=at, expires_at=ends)
        except Invalid as error:
            raise mistaken(error) from error


class TokenLine(msgspec.Struct):
    """A token as `list --json` shows it."""

    id: UUID
    name: str
    subject: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    state: str

    @classmethod
    def of(cls, token: Token, at: datetime) -> Self:
        """The line of one token at a time."""
        return cls(
            token.id,
            token.name,
            token.subject,
            sorted(token.scopes),
            token.created_at,
            token.expires_at,
            token.revoked_at,
            token.used_at,
            _state(token, at),
        )


async def create_token(tokens: Tokens, wanted: Issued) -> None:
    """Keep a token, and print its text."""
    await tokens.add(wanted.token)
    ends = wanted.token.expires_at
    until = "it is revoked" if ends is None else moment(ends)
    text = f"token {wanted.token.id} is valid until {until}; its text is shown this once."
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    with written(STANDARD) as write:
        write(f"{wanted.text}\n".encode())


async def list_tokens(tokens: Tokens, as_json: bool) -> None:
    """Print all tokens."""
    found, at = await tokens.list(), now()
    with written(STANDARD) as write:
        if as_json:
            write(ENCODER.encode_lines([TokenLine.of(token, at) for token in found]))
        else:
            write(aligned([_HEAD, *(_cells(token, at) for token in found)]).encode() + b"\n")


async def revoke_token(tokens: Tokens, token_id: UUID) -> None:
    """End a token; say so. Raises NotFound."""
    if not await tokens.revoke(token_id, now()):
        raise NotFound(f"There is no token {token_id}.")
    print(token_id, "revoked")


def _cells(token: Token, at: datetime) -> tuple[str, ...]:
    return (
        str(token.id),
        plain(token.name),
        plain(token.subject),
        ",".join(sorted(token.scopes)) or "-",
        moment(token.created_at),
        "-" if token.expires_at is None else moment(token.expires_at),
        "-" if token.used_at is None else moment(token.used_at),
        _state(token, at),
    )


def _state(token: Token, at: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.valid(at) else "expired"
