"""Who asks, and what they may do."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from profilecore.errors import Denied


class Scope(StrEnum):
    """What a caller may be allowed; none of them holds another."""

    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    PROFILES_ERASE = "profiles:erase"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    OPS = "ops"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks: `subject` is who it is, None where nobody is asked who they are.

    `key` names the credential that was shown, None without one: what is counted for one caller is
    counted by it.
    """

    subject: str | None
    scopes: frozenset[Scope]
    key: str | None = None

    def require(self, *scopes: Scope) -> None:
        """Raise Denied `forbidden` where one of these is not held."""
        missing = [scope.value for scope in scopes if scope not in self.scopes]
        if missing:
            raise forbidden(missing)


ANYBODY: Final = Caller(None, frozenset(Scope))
"""Whoever calls a service that asks nobody who they are."""


def unauthenticated(detail: str) -> Denied:
    """No credential, or one that says nothing."""
    return Denied(detail, code="unauthenticated")


def forbidden(missing: Collection[str]) -> Denied:
    """It is known who asks, and they may not."""
    return Denied(f"This takes the scope {' and '.join(missing)}.", code="forbidden")
