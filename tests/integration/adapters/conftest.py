"""The file that a test works on, and how long the tests that kill processes go on."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from profilecore.adapters.sqlite import SqliteDatabase


@pytest.fixture
def kill_rounds() -> int:
    """A few where somebody waits; KILL_ROUNDS=2000 for a night."""
    return int(os.environ.get("KILL_ROUNDS", "10"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "profiles.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    await database.open()
    yield database
    await database.close()
