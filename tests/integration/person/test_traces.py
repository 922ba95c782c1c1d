"""Where somebody was erased, no byte of them is left: in files, in Redis, in what was logged."""

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image

from tests.support import postgres
from tests.support.http import PROFILES, created, path_of, person
from tests.support.pictures import encoded, scene
from tests.support.postgres import Postgres, database, execute, settings
from tests.support.processes import Server
from tests.support.redis import RedisProcess
from tests.support.tasks import HANDLERS, TASKS, held, reached, read, submitted
from tests.support.uploads import form, gone, images_of, part, until

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "erase-and-export-a-person.md"
MARK = "Zqx7kv9tracemark"
NEEDLE = MARK.lower().encode()
CALLS = {"CALLBACK_HOSTS": "127.0.0.1:9", "CALLBACK_SECRET": f"whsec_{'c2VjcmV0' * 6}"}
OTHERS = 40  # enough for the planner to keep samples
SEEN_MAX = 5.0


@dataclass
class Fleet:
    """Two servers that run no tasks, and a worker when it is started; all in one folder."""

    folder: Path
    given: Mapping[str, str]
    exits: ExitStack

    def start(self, command: str) -> httpx.Client:
        own = self.folder / f"{command}{len(list(self.folder.glob(f'{command}*')))}"
        own.mkdir()
        server = self.exits.enter_context(Server(own, command=command, **self.given))
        self.exits.callback(server.stop)
        return self.exits.enter_context(server.client())


@contextmanager
def fleet(folder: Path, **given: str) -> Iterator[Fleet]:
    """At the end of the block all of it has stopped, as it does for a deployment."""
    for name in ("fleet", "tmp"):
        (folder / name).mkdir()
    shared = {
        "AUTH_MODE": "none",
        "SERVER_HOST": "127.0.0.1",
        "LOG_LEVEL": "debug",
        "DATA_DIR": str(folder / "data"),
        "TMPDIR": str(folder / "tmp"),
        **HANDLERS,
        **CALLS,
    }
    with ExitStack() as exits:
        yield Fleet(folder / "fleet", shared | given, exits)


def traces(*paths: Path) -> list[str]:
    """The files, there or below, that hold the mark in whatever case, or are named after it."""
    files = [file for path in paths for file in (path, *sorted(path.rglob("*"))) if file.is_file()]
    return [str(f) for f in files if NEEDLE in f.read_bytes().lower() or MARK in f.name]


def marked_picture() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = exif[ExifTags.Base.Artist] = MARK
    return encoded(scene(), exif=exif) + MARK.encode()


def planted(client: httpx.Client, other: httpx.Client, worker: httpx.Client) -> Any:
    """Somebody with the mark in all that there is of them, in each place where it can be."""
    for _ in range(OTHERS):
        created(client)
    values = person(
        name=f"{MARK} Lovelace",
        email=f"{MARK}@Example.com",
        bio=f"{MARK} " * 500,
        image_urls=[f"https://example.com/{MARK}.png"],
        owner=MARK,
    )
    profile = client.post(PROFILES, json=values).json()
    assert client.put(path_of(profile), json={"name": f"{MARK} Byron"}).status_code == 200
    marked = form(part(marked_picture(), filename=f"{MARK}.jpg".encode()))
    headers = {"Content-Type": "multipart/form-data; boundary=a-boundary"}
    image = client.post(images_of(profile), content=marked, headers=headers)
    assert image.status_code == 201, image.text
    for server in (client, other):
        assert server.get(path_of(profile)).status_code == 200  # and it is in every cache
        assert MARK in server.get(f"{path_of(profile)}/export").text
    # What is refused, and what is asked for, may be logged.
    assert client.post(PROFILES, json=values).status_code == 409
    assert client.post(PROFILES, json=values | {"email": f"{MARK}@"}).status_code == 422
    assert client.get(PROFILES, params={"q": MARK, "email": values["email"]}).status_code == 200
    told = {"profile_id": profile["id"], "name": MARK}
    export = submitted(client, "profile.export", payload={"profile_id": profile["id"]})
    assert MARK in str(reached(client, export, "succeeded")["result"])
    callback = {"url": "http://127.0.0.1:9/", "body": told}
    submitted(client, "http.callback", payload=callback, delay="1d", unique_key=MARK)
    reached(client, submitted(client, "http.callback", payload=callback, max_attempts=1), "dead")
    reached(client, submitted(client, "test.fail", payload=told, max_attempts=1), "dead")
    reached(client, submitted(client, "echo", payload=told), "succeeded")
    running = held(client, payload=told)
    assert worker.get("/metrics").status_code == 200
    return profile | {"image": image.json(), "running": running}


def erased(client: httpx.Client, other: httpx.Client, profile: Any) -> None:
    """Ask for it; return when all that has to do with it is over."""
    answer = client.post(f"{path_of(profile)}/erase")
    assert answer.status_code == 202, answer.text
    receipt = reached(client, answer.json(), "succeeded")["result"]
    assert receipt["profile_id"] == profile["id"]
    assert (receipt["events"], receipt["images"], receipt["tasks"]) == (5, 1, 6)
    assert read(client, profile["running"])["status"] == "cancelled"
    gone(client, profile["image"])
    for server in (client, other):
        until(lambda s=server: s.get(path_of(profile)).status_code == 404, SEEN_MAX, "it is shown")  # type: ignore[misc]
    kinds = ("scheduled", "queued", "running")
    until(
        lambda: not any(client.get(TASKS, params={"status": kind}).json() for kind in kinds),
        SEEN_MAX,
        "some tasks do not end",
    )
    assert MARK not in client.get(f"{path_of(profile)}/export").text


def test_in_sqlite_and_all_around_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with fleet(tmp_path, DATABASE="sqlite", CACHE="memory") as there:
        client, other, worker = (there.start(c) for c in ("serve", "serve", "worker"))
        profile = planted(client, other, worker)
        assert traces(data), "it can be found"
        erased(client, other, profile)
    # Zeros are written over what goes, but not always over what a page leaves between its rows.
    connection = sqlite3.connect(data / "profiles.db")
    connection.execute("VACUUM")
    connection.close()
    assert traces(tmp_path) == []
    assert (data / "profiles.db").stat().st_size > 0


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres.running() as server:
        yield server


def rewrite(redis: RedisProcess) -> None:
    """Have Redis write its snapshot and its append-only file anew."""
    with redis.client() as client:
        client.save()
        client.bgrewriteaof()
        deadline = time.monotonic() + 30
        while client.info("persistence")["aof_rewrite_in_progress"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def kept(redis: RedisProcess) -> bytes:
    """All keys and what they hold."""
    with redis.client() as client:
        return b"".join(key + b" " + (client.dump(key) or b"") for key in client.scan_iter())


def written_anew() -> list[str]:
    """What the page has an operator run."""
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [statement.strip() for statement in block.split(";") if statement.strip()]


def test_in_postgresql_redis_and_all_around_them(server: Postgres, tmp_path: Path) -> None:
    """But for PostgreSQL's write-ahead log, which goes by its age."""
    plain = ("--rdbcompression", "no", "--appendonly", "yes")
    folders = [server.folder / "data" / "base", tmp_path / "redis"]
    with RedisProcess(tmp_path / "redis", *plain) as redis, database(server.address) as address:
        given = {**settings(address), "CACHE": "redis", "REDIS_ADDRESS": redis.address}
        with fleet(tmp_path, **given) as there:
            client, other, worker = (there.start(c) for c in ("serve", "serve", "worker"))
            profile = planted(client, other, worker)
            execute(address, "ANALYZE", "CHECKPOINT")
            rewrite(redis)
            samples = str(execute(address, "SELECT histogram_bounds::text FROM pg_stats"))
            assert MARK in samples, "the planner has it, too"
            assert NEEDLE in kept(redis).lower()
            assert len({Path(trace).parent for trace in traces(*folders)}) >= 3
            erased(client, other, profile)
            assert NEEDLE not in kept(redis).lower()
            execute(address, *written_anew())
            rewrite(redis)
            data = server.folder / "data"
            everything = [*server.folder.iterdir(), *data.iterdir()]
            assert traces(*(p for p in everything if p not in (data, data / "pg_wal"))) == []
            assert len(client.get(PROFILES).json()) == OTHERS
        assert traces(tmp_path) == []
