"""What several tests of images stand on."""

from pathlib import Path

import pytest

from tests.unit.core.studio import Studio


@pytest.fixture
async def studio(tmp_path: Path) -> Studio:
    studio = Studio(tmp_path)
    await studio.process.feed.start()
    return studio
