"""What several tests of the core stand on."""

from pathlib import Path

import pytest

from profilecore.adapters.memory import MemoryStore
from tests.unit.core.doubles import Process
from tests.unit.core.studio import Studio


@pytest.fixture
async def process() -> Process:
    process = Process(MemoryStore(), trust=60)
    await process.feed.start()
    return process


@pytest.fixture
async def studio(tmp_path: Path) -> Studio:
    studio = Studio(tmp_path)
    await studio.process.feed.start()
    return studio
