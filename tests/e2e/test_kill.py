"""kill -9 in the middle of writes: nothing acknowledged is lost, and the store opens again."""

import json
import os
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.http import PROFILES, path_of, person
from tests.support.processes import Server

ROUNDS = int(os.environ.get("PROFILECORE_KILL_ROUNDS", "5"))
SEED = int(os.environ.get("PROFILECORE_KILL_SEED", "20"))
WRITERS = 6

Shown = dict[str, Any] | None
"""A profile as its last answer showed it, None after a deletion."""


@dataclass
class Expected:
    """What one profile may be: as the last answer said, or as the call that got none wanted it."""

    acknowledged: Shown
    version: int
    wanted: list[Callable[[Shown], bool]] = field(default_factory=list)

    def allows(self, found: Shown) -> bool:
        return found == self.acknowledged or any(fits(found) for fits in self.wanted)


class Writer(threading.Thread):
    """Creates, changes and deletes until the server is gone; nobody else touches its profiles."""

    def __init__(self, server: Server, known: dict[str, Expected], seed: int) -> None:
        super().__init__()
        self._server = server
        self._known = known
        self._random = random.Random(seed)
        self.answers = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self._server.client() as client:
                while self._one(client):
                    self.answers += 1
        except BaseException as failure:
            self.failure = failure

    def _one(self, client: httpx.Client) -> bool:
        alive = [known for known in self._known.values() if known.acknowledged is not None]
        chance = self._random.random()
        if len(alive) < 3 or chance < 0.4:
            return self._create(client)
        known = self._random.choice(alive)
        assert known.acknowledged is not None
        if chance < 0.85:
            bio = f"{self._random.getrandbits(64):x} " * self._random.randint(1, 100)
            known.wanted = [lambda found: found is not None and found["bio"] == bio.rstrip()]
            return self._tried(known, lambda path: client.put(path, json={"bio": bio.rstrip()}))
        known.wanted = [lambda found: found is None]
        return self._tried(known, client.delete)

    def _create(self, client: httpx.Client) -> bool:
        try:
            response = client.post(
                PROFILES, json=person(email=f"{self._random.getrandbits(64):x}@example.com")
            )
        except httpx.TransportError:
            return False
        assert response.status_code == 201, response.text
        profile = response.json()
        self._known[profile["id"]] = Expected(profile, 1)
        return True

    def _tried(self, known: Expected, call: Callable[[str], httpx.Response]) -> bool:
        assert known.acknowledged is not None
        try:
            response = call(path_of(known.acknowledged))
        except httpx.TransportError:
            return False
        assert response.status_code in (200, 204), response.text
        known.acknowledged = response.json() if response.status_code == 200 else None
        known.version += 1
        known.wanted = []
        return True


def check(server: Server, known: list[dict[str, Expected]]) -> None:
    """Every profile is what was acknowledged, or what the last unanswered call asked for."""
    with server.client() as client:
        lines = client.get(f"{PROFILES}/export").text.splitlines()
    there = {profile["id"]: profile for profile in map(json.loads, lines)}
    for part in known:
        for profile_id, expected in part.items():
            found = there.get(profile_id)
            assert expected.allows(found), (expected, found)
            if found != expected.acknowledged:
                expected.acknowledged = found
                expected.version += 1
            expected.wanted = []
            if found is not None:
                assert found["version"] == expected.version


def check_file(path: Path) -> None:
    """The rows are what the log says, and each history has no gap."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        histories: dict[bytes, list[tuple[int, str, str]]] = defaultdict(list)
        log = "SELECT profile_id, version, type, data FROM events ORDER BY position"
        for profile_id, version, kind, data in connection.execute(log):
            histories[profile_id].append((version, kind, data))
        rows = connection.execute("SELECT id, version, bio, deleted_at FROM profiles").fetchall()
        positions = [row[0] for row in connection.execute("SELECT position FROM events")]
    finally:
        connection.close()
    assert len(set(positions)) == len(positions)
    assert {row[0] for row in rows} == set(histories)
    for profile_id, version, bio, deleted_at in rows:
        history = histories[profile_id]
        assert [entry[0] for entry in history] == list(range(1, version + 1))
        _, kind, data = history[-1]
        assert (kind == "profile.deleted") == (deleted_at is not None)
        if deleted_at is None:
            assert json.loads(data)["bio"] == bio


def test_kill(tmp_path: Path) -> None:
    """A 2xx is kept: what the API acknowledged survives a kill -9, round after round."""
    chance = random.Random(SEED)
    known: list[dict[str, Expected]] = [{} for _ in range(WRITERS)]
    answers = 0
    for round_ in range(ROUNDS):
        with Server(tmp_path, LOG_LEVEL="warning") as server:
            check(server, known)
            writers = [Writer(server, part, chance.getrandbits(32)) for part in known]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.2, 0.8))
            server.kill()
            for writer in writers:
                writer.join()
                if writer.failure is not None:
                    raise writer.failure
                answers += writer.answers
            assert "Traceback" not in server.errors, f"round {round_}"
    assert answers > ROUNDS * WRITERS
    with Server(tmp_path) as server:
        check(server, known)
        assert server.stop() == 0
    check_file(server.database)
