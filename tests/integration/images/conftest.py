"""A place for images that processes die over: on each of the databases."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support import postgres as servers
from tests.support.forking import COMMAND
from tests.support.postgres import Postgres, execute
from tests.support.processes import environment

TWO_HOURS: Final = 7_200


@dataclass(frozen=True)
class Database:
    """What a process is told of it, and a way past it."""

    settings: Mapping[str, str]
    execute: Callable[[str], list[tuple]]


@dataclass(frozen=True)
class Place:
    """A folder, in which a server is started again and again, and a database."""

    folder: Path
    database: Database

    @property
    def blobs(self) -> Path:
        return self.folder / "data" / "blobs"

    def later(self) -> None:
        """Have two hours pass, for what is in the folder and for who holds an image."""
        for path in self.blobs.rglob("*"):
            os.utime(path, (time.time() - TWO_HOURS,) * 2)
        self.database.execute("DELETE FROM image_holds WHERE holder <> ''")

    def minute(self) -> None:
        """Have the minute pass that a process which died has to remove what it condemned."""
        self.database.execute("DELETE FROM image_holds WHERE holder = ''")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=environment(**self.database.settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    def orphans(self) -> list[str]:
        """What `gc` would remove."""
        before = self.files()
        shown = self.run("gc", "--dry-run")
        assert self.files() == before, "a look removes nothing"
        found = shown.stdout.split()
        assert shown.stderr == f"{len(found)} images without a profile; nothing was removed\n"
        return found

    def files(self) -> set[Path]:
        """Those that have a name."""
        return {path for path in self.blobs.rglob("*.*") if path.is_file()}


def of_sqlite(folder: Path) -> Database:
    def execute(statement: str) -> list[tuple]:
        path = folder / "data" / "profiles.db"
        with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
            return connection.execute(statement).fetchall()

    return Database({"DATABASE": "sqlite"}, execute)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place(tmp_path, of_sqlite(tmp_path))
        return
    server: Postgres = request.getfixturevalue("postgres")
    with servers.database(server.address) as address:
        settings = dict(servers.settings(address))
        yield Place(tmp_path, Database(settings, lambda statement: execute(address, statement)))
