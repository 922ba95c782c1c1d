"""A cache that tells of each call."""

from typing import Any
from uuid import UUID

import pytest

from profilecore.adapters.logged import LoggedCache
from profilecore.adapters.memory import MemoryCache
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.testing.samples import person
from tests.unit.adapters.test_observed import Failing


class Said:
    def __init__(self) -> None:
        self.lines: list[tuple[str, UUID | None, str]] = []

    def __call__(self, verb: str, id_: UUID | None, outcome: str, microseconds: float) -> None:
        assert 0 < microseconds < 1e6
        self.lines.append((verb, id_, outcome))


async def test_each_call_is_told_with_its_outcome() -> None:
    said, profile, absent = Said(), person(), new_id()
    cache = LoggedCache(MemoryCache(), said)
    await cache.put(profile)
    assert await cache.get([profile.id, absent]) == {profile.id: profile}
    await cache.drop(profile.id, 2)
    await cache.clear()
    assert said.lines == [
        ("put", profile.id, "offered"),
        ("get", profile.id, "hit"),
        ("get", absent, "miss"),
        ("drop", profile.id, "dropped"),
        ("clear", None, "cleared"),
    ]


async def test_a_call_that_fails_is_told_too() -> None:
    failing: Any = Failing(Unavailable("down"))
    said, profile = Said(), person()
    cache = LoggedCache(failing, said)
    for call in (cache.get([profile.id]), cache.put(profile), cache.drop(profile.id, 1)):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable):
        await cache.clear()
    assert {outcome for _, _, outcome in said.lines} == {"failed"}
    assert [verb for verb, _, _ in said.lines] == ["get", "put", "drop", "clear"]
