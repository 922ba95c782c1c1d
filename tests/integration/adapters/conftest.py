"""How long the tests that kill processes go on."""

import os

import pytest


@pytest.fixture
def kill_rounds() -> int:
    """A few where somebody waits; KILL_ROUNDS=1000 for a night."""
    return int(os.environ.get("KILL_ROUNDS", "10"))
