"""How the cache's part is put together."""

from pathlib import Path

import pytest
from loguru import logger

from tests.support.http import PROFILES
from tests.support.inside import inside


@pytest.mark.parametrize(("level", "told"), [("debug", True), ("info", False)])
async def test_each_call_of_the_cache_is_logged_at_debug_and_no_level_above(
    tmp_path: Path, level: str, told: bool
) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}", level="DEBUG")
    try:
        async with inside(tmp_path, LOG_LEVEL=level) as app:
            given = {"name": "Ada Lovelace", "email": "ada@example.com"}
            made = await app.client.post(PROFILES, json=given)
            id_ = made.json()["id"]
            await app.client.get(f"{PROFILES}/{id_}")
    finally:
        logger.remove(sink)
    about = [line.split(", ")[0] for line in lines if line.startswith("cache ")]
    wanted = {f"cache put {id_}: offered", f"cache get {id_}: hit"}
    assert set(about) - {f"cache drop {id_}: dropped"} == (wanted if told else set())
    assert not any("ada" in line.lower() for line in lines)
