"""Behind a pooler that shares its connections between transactions."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.paging import Count, Query
from profilecore.testing.samples import (
    add,
    deleted,
    person,
    updated,
    write,
)
from tests.support.pgbouncer import pooled
from tests.support.postgres import settings, using
from tests.support.processes import run, serving


@pytest.fixture
def through(bare: PostgresAddress) -> Iterator[PostgresAddress]:
    with pooled(bare) as through:
        yield through


def test_the_service_runs_and_migrates_through_it(tmp_path: Path, through: PostgresAddress) -> None:
    given = {**settings(through), "DB_PREPARED": "off"}
    assert run(tmp_path, "migrate", "up", **given).returncode == 0
    assert run(tmp_path, "migrate", "check", **given).returncode == 0
    with serving(tmp_path / "server", **given) as (_, client):
        for number in range(30):
            body = {"name": "Ada", "email": f"ada{number}@example.com"}
            assert client.post("/api/v1/profiles", json=body).status_code == 201
        assert len(client.get("/api/v1/profiles").json()) == 30
    export = run(tmp_path, "export", **given)
    assert (export.returncode, len(export.stdout.splitlines())) == (0, 30)


async def test_many_callers_share_its_two_connections(
    tmp_path: Path, through: PostgresAddress
) -> None:
    assert run(tmp_path, "migrate", "up", **settings(through)).returncode == 0
    async with using(replace(through, prepared=False), pool_max=8) as database:
        profiles, log = PostgresProfiles(database), PostgresLog(database)

        async def work() -> None:
            for _ in range(15):
                profile = person()
                await add(profiles, profile)
                second = updated(profile, bio="second")
                await write(profiles, second, deleted(second.profile))
                assert profile.id in await profiles.get([profile.id])
                await profiles.list(Query(limit=3, q="person", count=Count.EXACT))
                assert len(await log.history(profile.id, None, 9)) == 3

        await asyncio.gather(*(work() for _ in range(16)))
        assert await log.position() == 16 * 15 * 3


def test_without_the_setting_nothing_starts(tmp_path: Path, through: PostgresAddress) -> None:
    assert run(tmp_path, "migrate", "up", **settings(through)).returncode == 0
    ended = run(tmp_path, "export", **settings(through), DB_PREPARED="on")
    assert ended.returncode == 3
    assert "unsupported startup parameter" in ended.stderr
