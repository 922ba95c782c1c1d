"""What a process says of a database that it cannot use, and which one it waits for."""

import asyncio
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from profilecore.adapters.postgres import PostgresAddress
from tests.support.postgres import Postgres, execute, settings
from tests.support.processes import Server, run
from tests.support.proxy import Proxy
from tests.support.uploads import until

LOCAL = {"AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1", "SERVER_PORT": "0"}
ROW = '{"name": "Ada", "email": "ada@example.com"}\n'
ENDED_MAX = 8.0
# From when it is connected, however long a busy machine takes to start it: libpq's two seconds for
# a question, two for a connection, and as much again for the process to end on such a machine.
GIVEN_UP_MAX = 12.0
UNAVAILABLE = 3


@pytest.fixture(autouse=True)
def people(tmp_path: Path) -> None:
    (tmp_path / "people.ndjson").write_text(ROW)


def refused(folder: Path, command: str, **given: str) -> str:
    """The one line that a command ends with, soon; a wait before it is told in the log."""
    began = time.monotonic()
    ended = run(folder, *command.split(), **given)
    assert time.monotonic() - began < ENDED_MAX
    return told(command, ended)


def told(command: str, ended: "subprocess.CompletedProcess[str]") -> str:
    """That line, and nothing else but waits."""
    assert (ended.returncode, ended.stdout) == (UNAVAILABLE, "")
    *waits, line = ended.stderr.splitlines()
    assert all(command == "serve" and "waiting for the database" in wait for wait in waits)
    assert line.startswith("profilecore: The database ")
    return line


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"DB_PASSWORD": "not-it"}, "password authentication failed"),
        ({"DB_NAME": "nowhere"}, 'database "nowhere" does not exist'),
        ({"DB_USER": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"DB_PORT": "1", "DB_CONNECT_TIMEOUT": "500ms"}, "Connection refused"),
        ({"DB_HOST": "host.invalid", "DB_CONNECT_TIMEOUT": "500ms"}, "host.invalid"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "migrate up", "import people.ndjson"])
def test_a_bad_setting_is_one_line(
    tmp_path: Path, address: PostgresAddress, wrong: dict[str, str], reason: str, command: str
) -> None:
    """What is up and refuses is not waited for: asking again changes no password."""
    line = refused(tmp_path, command, **{**settings(address), **LOCAL, **wrong})
    assert reason in line
    assert line.endswith("See DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME.")
    assert "not-it" not in line


def test_it_is_one_line_whatever_else_stands_on_it(
    tmp_path: Path, address: PostgresAddress
) -> None:
    given = {**settings(address), **LOCAL, "DB_PASSWORD": "not-it", "CACHE": "redis"}
    refused(tmp_path, "serve", **given, REDIS_ADDRESS="127.0.0.1:1")
    refused(tmp_path, "doctor --cache", **given, REDIS_ADDRESS="127.0.0.1:1")


@pytest.mark.parametrize("command", ["serve", "migrate up", "import people.ndjson"])
def test_who_listens_and_says_nothing_is_given_up(tmp_path: Path, command: str) -> None:
    connected = list[tuple[float, socket.socket]]()

    def accept() -> None:
        with suppress(OSError):  # it is closed in the end
            while True:
                connected.append((time.monotonic(), silent.accept()[0]))

    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=accept, daemon=True).start()
        port = str(silent.getsockname()[1])
        given = {"DATABASE": "postgres", "DB_HOST": "127.0.0.1", "DB_PORT": port, **LOCAL}
        ended = run(tmp_path, *command.split(), DB_CONNECT_TIMEOUT="1s", **given)
        assert time.monotonic() - connected[0][0] < GIVEN_UP_MAX
    for _, connection in connected:
        connection.close()
    line = told(command, ended)
    assert f"127.0.0.1 port {port} cannot be used: connection timeout expired." in line


@pytest.mark.parametrize("command", ["dev", "serve", "import people.ndjson", "export", "seed"])
def test_nothing_starts_without_the_tables(
    tmp_path: Path, bare: PostgresAddress, command: str
) -> None:
    command = command.replace("seed", "seed --count 1")
    line = refused(tmp_path, command, **settings(bare), **LOCAL)
    assert line == "profilecore: The database is not migrated: run `profilecore migrate up`."
    assert execute(bare, "SELECT to_regclass('profiles')") == [(None,)]


def test_nothing_starts_where_one_step_is_missing(tmp_path: Path, address: PostgresAddress) -> None:
    execute(address, "DELETE FROM profilecore_migrations WHERE number = 3")
    line = refused(tmp_path, "export", **settings(address))
    assert line == "profilecore: The database is not migrated: run `profilecore migrate up`."


def test_the_service_waits_for_a_server_that_is_started_after_it(
    tmp_path: Path, own_server: Postgres, own: PostgresAddress
) -> None:
    own_server.kill()
    given = {**settings(own), **LOCAL, "DB_CONNECT_TIMEOUT": "30s"}
    server = Server(tmp_path, command="serve", **given)
    try:
        until(lambda: "waiting for the database" in server.errors, 30, "it does not say so")
        assert server.process.poll() is None
        own_server.start(wait=False)
        server.wait_until_it_speaks()
        with server.client() as client:
            assert client.get("/health/ready").status_code == 200
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.parametrize("command", ["serve", "migrate up", "import people.ndjson"])
def test_a_server_that_recovers_is_waited_for(
    tmp_path: Path, own_server: Postgres, own: PostgresAddress, command: str
) -> None:
    own_server.kill()
    own_server.start_slowly()
    while True:
        with pytest.raises(psycopg.OperationalError) as error:
            psycopg.connect(own.conninfo())
        if "the database system is starting up" in str(error.value):
            break
        time.sleep(0.05)
    given = {**settings(own), "DB_CONNECT_TIMEOUT": "30s", **LOCAL}
    if command == "serve":
        with Server(tmp_path, command="serve", **given) as server:
            assert "waiting for the database" in server.errors
            assert server.stop() == 0
    else:
        ended = run(tmp_path, *command.split(), **given)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_server_that_does_not_get_ready_is_given_up(
    tmp_path: Path, own_server: Postgres, own: PostgresAddress
) -> None:
    own_server.kill()
    own_server.start_slowly()
    line = refused(tmp_path, "export", **settings(own), DB_CONNECT_TIMEOUT="10ms")
    assert any(why in line for why in ("starting up", "not accepting", "Connection refused"))
    while not own_server.answers():
        time.sleep(0.1)


class Breaking(Proxy):
    """Resets its second connection; the first asks whether the server is up."""

    calls = 0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        if self.calls == 2:
            writer.transport.abort()
        else:
            await super()._accept(reader, writer)


async def test_a_connection_that_is_lost_while_it_is_made_is_no_refusal(
    tmp_path: Path, address: PostgresAddress
) -> None:
    async with Breaking(address.port) as proxy:
        given = {**settings(address), "DB_PORT": str(proxy.port), "DB_SSLMODE": "disable"}
        ended = await asyncio.to_thread(run, tmp_path, "export", **given)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert proxy.calls > 2
