"""Those who call a service that asks who they are."""

import re
from collections.abc import Iterable
from pathlib import Path

import httpx

from tests.support.processes import run

ALL = (
    *("profiles:read", "profiles:write", "profiles:erase"),
    *("tasks:read", "tasks:write", "ops"),
)


def token(folder: Path, scopes: Iterable[str], subject: str | None = None, **settings: str) -> str:
    """The text of a new API token, made as an operator makes one."""
    options = [option for scope in scopes for option in ("--scope", scope)]
    if subject is not None:
        options += ["--subject", subject]
    done = run(folder, "tokens", "create", "test", *options, **settings)
    assert done.returncode == 0, done.stderr
    text = done.stdout.strip()
    assert re.fullmatch(r"pct_[0-9a-f]{32}_[A-Za-z0-9_-]{43}", text), done.stdout
    return text


def bearer(text: str) -> httpx.Headers:
    return httpx.Headers({"Authorization": f"Bearer {text}"})
