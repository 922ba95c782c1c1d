"""A later release migrates while this one runs: nobody who uses it notices."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

import profilecore
from profilecore.adapters.postgres import PostgresAddress
from profilecore.adapters.postgres.migrate import steps
from tests.support.http import PROFILES
from tests.support.postgres import Postgres, database, execute, settings
from tests.support.processes import Server, environment, run
from tests.support.replication import until

NUMBER = steps()[-1].number + 1
NAME = f"{NUMBER:04} nickname"

# Widens first: what the release before uses stays as it was.
STEP = """
    ALTER TABLE profiles ADD COLUMN nickname text;
    ALTER TABLE events ADD COLUMN reason text;
    CREATE FUNCTION profilecore_write_2(calls jsonb, nickname text) RETURNS bigint
        LANGUAGE sql AS $$ SELECT count(*) FROM profilecore_write(calls, 0) $$;
    CREATE OR REPLACE FUNCTION profilecore_estimate(name_like text, email_like text)
        RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM profiles $$;
"""
MAIN = "import sys; from profilecore.entrypoints.cli import main; sys.exit(main())"


class Later:
    """A release with one step more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "later"
        package = self._folder / "profilecore"
        shutil.copytree(Path(profilecore.__file__).parent, package)
        migrations = package / "adapters" / "postgres" / "migrations"
        (migrations / f"{NUMBER:04}_nickname.sql").write_text(STEP)

    def migrate(self, what: str, address: PostgresAddress) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MAIN, "migrate", what],
            env=environment(**settings(address), PYTHONPATH=str(self._folder)),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def later(tmp_path: Path) -> Later:
    return Later(tmp_path)


class Use:
    """What some clients do over and over, and what they got that was not as it should be."""

    def __init__(self) -> None:
        self.rounds = 0
        self.failures: list[str] = []
        self._over = threading.Event()

    def work(self, server: Server, name: str) -> None:
        with server.client() as client:
            turn = 0
            while not self._over.is_set():
                turn += 1
                try:
                    self._one(client, f"{name}-{turn}@example.com")
                except (AssertionError, httpx.HTTPError) as error:
                    self.failures.append(repr(error))
                self.rounds += 1

    def _one(self, client: httpx.Client, email: str) -> None:
        made = client.post(PROFILES, json={"name": "Ada", "email": email})
        assert made.status_code == 201, made.text
        path = f"{PROFILES}/{made.json()['id']}"
        many = [{"name": "Ada", "email": f"{n}-{email}"} for n in range(30)]
        for answer in (
            client.put(path, json={"bio": "x"}),
            client.get(path, headers={"Cache-Control": "no-cache"}),
            client.get(PROFILES, params={"limit": 3, "count": "estimated"}),
            client.get(f"{path}/events"),
            client.post(f"{PROFILES}/batch", json={"create": many}),
            client.delete(path),
        ):
            assert answer.is_success, f"{answer.request.method} {answer.url}: {answer.text}"

    @contextmanager
    def during(self, server: Server) -> Iterator[None]:
        threads = [
            threading.Thread(target=self.work, args=(server, f"c{number}")) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait(10)
            yield
            self.wait(10)
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def wait(self, more: int) -> None:
        """Let so many rounds pass."""
        aim = self.rounds + more
        while self.rounds < aim and not self.failures:
            self._over.wait(0.02)


def test_a_later_release_migrates_and_this_one_goes_on(
    tmp_path: Path, address: PostgresAddress, later: Later
) -> None:
    given, use = settings(address), Use()
    with Server(tmp_path, **given) as server:
        with use.during(server):
            up = later.migrate("up", address)
            assert (up.returncode, up.stdout, up.stderr) == (0, f"{NAME}: applied\n", "")
        assert use.failures == []
        assert server.stop() == 0
    assert later.migrate("check", address).returncode == 0
    assert run(tmp_path, "migrate", "check", **given).returncode == 0
    status = run(tmp_path, "migrate", "status", **given)
    assert status.stdout.endswith(f"{NAME}: later\n")
    assert run(tmp_path, "migrate", "up", **given).stdout.startswith("nothing to do")
    with Server(tmp_path, **given) as server, server.client() as client:
        body = {"name": "Ada", "email": "started-after@example.com"}
        assert client.post(PROFILES, json=body).status_code == 201
    assert execute(address, "SELECT count(nickname), count(*) > 40 FROM profiles") == [(0, True)]


def test_a_vacuum_in_the_background_gives_way(tmp_path: Path, later: Later) -> None:
    """It holds a table for as long as it takes, which may be hours."""
    server = Postgres()
    try:
        server.start("-c", "autovacuum_naptime=1s")
        with database(server.address, dropped=False) as address:
            execute(
                address,
                "ALTER TABLE profiles SET (autovacuum_vacuum_insert_threshold = 1,"
                " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100)",
            )
            done = run(tmp_path, "seed", "--count", "2000", **settings(address))
            assert done.returncode == 0, done.stderr
            until(lambda: execute(address, "SELECT pid FROM pg_stat_progress_vacuum") != [])
            up = later.migrate("up", address)
            assert (up.returncode, up.stdout, up.stderr) == (0, f"{NAME}: applied\n", "")
    finally:
        server.close()


def test_a_step_waits_for_those_who_are_soon_done(address: PostgresAddress, later: Later) -> None:
    with psycopg.connect(address.conninfo()) as reader:
        reader.execute("SELECT FROM profiles LIMIT 1")
        letting_go = threading.Timer(3, reader.rollback)
        letting_go.start()
        up = later.migrate("up", address)
        letting_go.join()
    assert (up.returncode, up.stdout, up.stderr) == (0, f"{NAME}: applied\n", "")


def test_a_step_lets_those_go_on_who_wait_for_it(address: PostgresAddress, later: Later) -> None:
    """They have one table and want the other, and it has the other: one of them has to let go."""
    waits = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(address.conninfo()) as reader:
        reader.execute("SELECT FROM events LIMIT 1")
        up = pool.submit(later.migrate, "up", address)
        until(lambda: execute(address, waits) != [])
        reader.execute("SELECT FROM profiles LIMIT 1")
        reader.rollback()
        done = up.result()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{NAME}: applied\n", "")


def test_a_step_that_would_block_gives_up_and_leaves_nothing_behind(
    tmp_path: Path, address: PostgresAddress, later: Later
) -> None:
    """All who come after it wait as well, and none of them for too long."""
    use = Use()
    with Server(tmp_path, **settings(address)) as server, use.during(server):
        with psycopg.connect(address.conninfo()) as reader:
            reader.execute("SELECT FROM profiles LIMIT 1")
            up = later.migrate("up", address)
        assert (up.returncode, up.stdout) == (3, "")
        assert up.stderr == (
            f"profilecore: Step {NAME} failed, and left nothing behind: "
            "others held what it needs for more than 500ms, 5 times; run it again.\n"
        )
        assert later.migrate("status", address).stdout.endswith(f"{NAME}: pending\n")
        again = later.migrate("up", address)
        assert (again.returncode, again.stdout) == (0, f"{NAME}: applied\n")
    assert use.failures == []
