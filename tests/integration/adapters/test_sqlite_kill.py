"""What was answered survives the death of any process, at any moment."""

import asyncio
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from profilecore.adapters.sqlite import SqliteDatabase, SqliteLog, SqliteProfiles
from profilecore.event import Event, EventType
from profilecore.testing.samples import add, person

ROOT = Path(__file__).parents[3]


async def until(reached: Callable[[], bool]) -> None:
    """Wait for what a process that is only listened to has done."""
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - it comes out of a pipe
            await asyncio.sleep(0.005)


class Child:
    """A process that writes; `answered` holds what it was told was kept."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self.answered: dict[UUID, int] = {}

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.integration.adapters.writing", str(self._path), self._name),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        self._reading = asyncio.create_task(self._read())

    async def kill(self) -> None:
        self._process.kill()
        await self._reading
        assert await self._process.wait() == -9

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.endswith(b"\n"):
                for entry in line.decode().split():
                    id_, _, version = entry.partition(":")
                    self.answered[UUID(id_)] = max(int(version), self.answered.get(UUID(id_), 0))


async def check(path: Path, answered: dict[UUID, int]) -> int:
    """Compare the file with what was answered; give the number of its events."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    database = SqliteDatabase(path)
    await database.open()
    profiles, log = SqliteProfiles(database), SqliteLog(database)
    rows = await profiles.get(answered)
    for id_, version in answered.items():
        assert id_ in rows, "an answered write is gone"
        assert rows[id_].version >= version, "an answered write is undone"
    last: dict[UUID, Event] = {}
    writes: Counter[str] = Counter()
    number = position = 0
    while events := await log.read(position, 1_000):
        for event in events:
            before = last.get(event.profile_id)
            assert event.version == (before.version + 1 if before else 1)
            last[event.profile_id] = event
            if event.type is EventType.CREATED:
                writes[event.data["bio"].split()[0]] += 1
        position, number = events[-1].position, number + len(events)
    for tag, there in writes.items():
        assert there == int(tag.partition("/")[2] or there), "half of a write is there"
    rows = await profiles.get(last)
    assert {i: p.version for i, p in rows.items()} == {i: e.version for i, e in last.items()}
    for id_, event in last.items():
        assert (rows[id_].deleted_at is not None) == (event.type is EventType.DELETED)
    total = await database.read(lambda c: c.execute("SELECT count(*) FROM profiles").fetchone()[0])
    assert total == len(last), "each row has its events"
    await add(profiles, person(email=f"after-{number}@example.com", bio="after"))
    await database.close()
    return number


@pytest.mark.timeout(4 * 3600)  # for many rounds; each wait in it has its own bound
async def test_an_answered_write_survives_kill_9(tmp_path: Path, kill_rounds: int) -> None:
    """Killed at random moments, also while it opens the file that the one before left behind."""
    chance = random.Random(20260301)
    answered: dict[UUID, int] = {}
    number = 0
    for turn in range(kill_rounds):
        path = tmp_path / f"{turn // 10}.db"
        if turn % 10 == 0:
            answered.clear()
        child = Child(path, f"r{turn}")
        await child.start()
        if turn % 4:
            await until(lambda child=child: bool(child.answered))  # type: ignore[misc]
        await asyncio.sleep(0.4 * chance.random())
        await child.kill()
        answered |= child.answered
        number = await check(path, answered)
    assert number > len(answered) > 0


@pytest.mark.timeout(4 * 3600)
async def test_two_processes_write_at_once_and_one_is_killed(
    tmp_path: Path, kill_rounds: int
) -> None:
    path = tmp_path / "profiles.db"
    chance = random.Random(7)
    answered: dict[UUID, int] = {}
    server = Child(path, "server")
    await server.start()
    for turn in range(max(1, kill_rounds // 3)):
        other = Child(path, f"import{turn}")
        await other.start()
        await until(lambda other=other: bool(server.answered and other.answered))  # type: ignore[misc]
        seen = len(server.answered)
        await asyncio.sleep(0.3 * chance.random())
        await other.kill()
        answered |= other.answered
        await until(lambda seen=seen: len(server.answered) > seen + 5)  # type: ignore[misc]
    await server.kill()
    await check(path, answered | server.answered)
