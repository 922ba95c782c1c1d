"""The drill of docs/operate.md: a base backup, archived WAL, and a database that is gone."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.http import created, path_of
from tests.support.postgres import (
    BINARIES,
    Postgres,
    database,
    execute,
    folder_for_servers,
    settings,
    unprivileged,
)
from tests.support.processes import Server
from tests.support.redis import RedisProcess

SOON = 30.0


@pytest.fixture
def archive() -> Iterator[Path]:
    """A folder that outlasts the server."""
    folder = folder_for_servers()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def as_postgres(*command: str, cwd: Path) -> None:
    subprocess.run([*unprivileged(), *command], check=True, capture_output=True, cwd=cwd)


def seen(client: httpx.Client, profile: dict[str, object]) -> tuple[str, int]:
    answer = client.get(path_of(profile))
    assert answer.status_code == 200, answer.text
    found = answer.json()["profile"]
    return found["bio"], found["version"]


@pytest.mark.timeout(180)
def test_a_database_that_is_gone_comes_back_as_it_was_at_a_point_in_time(
    archive: Path, tmp_path: Path
) -> None:
    primary = Postgres()
    try:
        with RedisProcess(tmp_path / "redis") as redis:
            _drill(primary, archive, tmp_path, redis)
    finally:
        primary.close()


def _drill(primary: Postgres, archive: Path, folder: Path, redis: RedisProcess) -> None:
    primary.start("-c", "archive_mode=on", "-c", f"archive_command=cp %p {archive}/%f")
    with database(primary.address, dropped=False) as address:
        given = {**settings(address), "CACHE": "redis", "REDIS_ADDRESS": redis.address}
        (folder / "before").mkdir()
        with Server(folder / "before", **given) as server, server.client() as client:
            profile = created(client, bio="in the base")
            as_postgres(
                *(f"{BINARIES}/pg_basebackup", "--wal-method=none", "--checkpoint=fast"),
                *("--no-sync", "--dbname", primary.address.conninfo()),
                *("--pgdata", f"{archive}/base"),
                cwd=archive,
            )
            client.patch(path_of(profile), json={"bio": "in the archive"}).raise_for_status()
            ((target,),) = execute(address, "SELECT clock_timestamp()::text")
            time.sleep(1)
            client.patch(path_of(profile), json={"bio": "a mistake"}).raise_for_status()
            mistake = created(client, bio="of afterwards")
            assert seen(client, profile) == ("a mistake", 3)
            execute(address, "SELECT pg_switch_wal()")
            until(lambda: _archived(primary))
        primary.kill()
        shutil.rmtree(primary.folder / "data")
        as_postgres("cp", "-R", f"{archive}/base", f"{primary.folder}/data", cwd=archive)
        as_postgres("touch", f"{primary.folder}/data/recovery.signal", cwd=archive)
        primary.start(
            *("-c", f"restore_command=cp {archive}/%f %p", "-c", f"recovery_target_time={target}"),
            *("-c", "recovery_target_action=promote"),
        )
        until(lambda: execute(address, "SELECT pg_is_in_recovery()") == [(False,)])
        # Redis still has what came after that point, of a version that is newer than what is left.
        (folder / "after").mkdir()
        with Server(folder / "after", **given) as server, server.client() as client:
            assert seen(client, profile) == ("in the archive", 2)
            assert client.get(path_of(mistake)).status_code == 404
            changed = client.patch(path_of(profile), json={"bio": "after all"})
            assert changed.json()["version"] == 3
            deadline = time.monotonic() + SOON
            while client.get(path_of(profile)).headers["x-cache"] != "hit":
                assert seen(client, profile) == ("after all", 3)
                assert client.get(path_of(mistake)).status_code == 404
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert seen(client, profile) == ("after all", 3)
            assert client.get(path_of(mistake)).status_code == 404


def _archived(primary: Postgres) -> bool:
    with psycopg.connect(primary.address.conninfo()) as connection:
        row = connection.execute(
            "SELECT last_archived_time > now() - interval '20 s' AND last_archived_wal IS NOT NULL "
            "FROM pg_stat_archiver"
        ).fetchone()
    return bool(row and row[0])
