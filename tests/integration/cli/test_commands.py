"""Help, mistakes, settings: what a newcomer meets first."""

import json
import os
import pty
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run
from tests.support.forking import COMMAND
from tests.support.processes import Server, environment

COMMANDS = ("dev", "serve", "import", "export", "seed", "gc", "openapi", "config")


def one_line(errors: str) -> bool:
    return errors.startswith("profilecore: ") and errors.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_shows_every_command_and_where_to_start(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w.*\.$", done.stdout, re.MULTILINE), command
    for text in ("Exit codes:", "130", "profilecore dev", "--version", "--install-completion"):
        assert text in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Examples:\n" in done.stdout
    assert re.search(rf"^ +.*\bprofilecore {command}", done.stdout, re.MULTILINE)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "--help"],
        env=environment(PYTHONPROFILEIMPORTTIME="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("litestar", "faker", "loguru", "prometheus_client", "sqlite3", "uvicorn"):
        assert f" {name}\n" not in done.stderr


def test_the_version(run: Run) -> None:
    done = run("--version")
    assert re.fullmatch(r"profilecore \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("impotr",), "No such command 'impotr'"),
        (("--loud",), "No such option: --loud"),
        (("import",), "Missing argument 'file'"),
        (("import", "a", "b"), "unexpected extra argument"),
        (("import", "a", "--on-conflict", "merge"), "'skip', 'update', 'fail'"),
        (("import", "a", "--format", "xml"), "'--format': 'xml' is not one of 'ndjson', 'csv'"),
        (("seed",), "Missing option '--count'"),
        (("seed", "--count", "0"), "'--count'"),
        (("seed", "--count", "many"), "'--count'"),
        (("seed", "--count", "1", "--out", "people.csv"), "its name says CSV"),
        (("dev", "--port", "65536"), "'--port'"),
        (("config", "--for", "all"), "'--for'"),
        (("import", "not-there.csv"), "not-there.csv: No such file or directory"),
        (("import", "."), "Is a directory"),
        (("import", "two\nlines"), "two lines: No such file or directory"),
        (("export", "not/there.csv"), "not/there.csv: No such file or directory"),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr)
    assert said in done.stderr


@pytest.mark.parametrize("command", ["dev", "serve", "config", "export"])
def test_a_bad_setting_is_told_in_one_line(run: Run, command: str) -> None:
    named = {"DATABASE": "sqlite", "AUTH_MODE": "none"}
    done = run(command, **named, DB_PORT="x\ny")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "profilecore: DB_PORT is 'x\\ny'; it takes a port from 0 to 65535.\n"


def test_a_tool_refuses_a_store_that_ends_with_it(run: Run) -> None:
    done = run("export", DATABASE="memory")
    assert done.returncode == 2
    assert done.stderr.startswith("profilecore: DATABASE is 'memory'")


def test_a_store_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder has to be")
    for arguments in (("export",), ("seed", "--count", "1"), ("dev",)):
        done = run(*arguments, SERVER_PORT="0")
        assert done.returncode == 3, done
        assert one_line(done.stderr)


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("dev", SERVER_PORT=port)
    assert done.returncode == 3
    assert done.stderr.startswith(f"profilecore: Cannot listen on 127.0.0.1 port {port}: ")
    assert "Traceback" not in done.stderr


def test_config_shows_what_is_in_force_and_where_it_comes_from(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("swordfish\n")
    given = {"SERVER_PORT": "9000", "DB_PASSWORD": "hunter2", "REDIS_PASSWORD_FILE": "secret"}
    table = run("config", **given)
    data = run("config", "--json", **given)
    rows = json.loads(data.stdout)
    assert re.search(r"^SERVER_PORT +9000 +environment +Server port", table.stdout, re.MULTILINE)
    assert re.search(r"^REDIS_PASSWORD +\*\*\* +file 'secret' ", table.stdout, re.MULTILINE)
    assert rows["SERVER_PORT"]["value"] == "9000"
    assert rows["DB_PASSWORD"] == {
        "value": "***",
        "from": "environment",
        "help": "PostgreSQL password",
    }
    assert len(table.stdout.splitlines()) == len(rows) + 1
    for text in (table.stdout, data.stdout):
        assert "hunter2" not in text
        assert "swordfish" not in text


def test_config_of_a_server(run: Run) -> None:
    assert "DATABASE has to be set for `serve`" in run("config", "--for", "serve").stderr
    named = {"DATABASE": "sqlite", "AUTH_MODE": "none", "SERVER_HOST": "::1"}
    done = run("config", "--for", "serve", **named)
    assert re.search(r"^SHUTDOWN_TIMEOUT +10s ", done.stdout, re.MULTILINE)


def test_openapi_needs_no_store(run: Run, tmp_path: Path) -> None:
    done = run("openapi")
    document = json.loads(done.stdout)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/profiles" in document["paths"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "kept", "cached"),
    [
        ({}, "SQLite, in {folder}/data", "memory, 10 profiles at most"),
        ({"DATABASE": "memory", "CACHE": "noop"}, "memory: gone when this stops", "none"),
    ],
)
def test_dev_says_what_it_uses_and_where_to_click(
    tmp_path: Path, settings: dict[str, str], kept: str, cached: str
) -> None:
    with Server(tmp_path, **settings) as server:
        base = f"http://localhost:{server.port}"
        with server.client() as client:
            for path in ("/api/v1/profiles", "/docs", "/health", "/metrics"):
                assert f"  {base}{path}\n" in server.output
                assert client.get(path, follow_redirects=True).status_code == 200
        example = (
            server.output.split("Try ")[1].split("  Fill it")[0].replace("localhost", "127.0.0.1")
        )
        made = subprocess.run(example, shell=True, capture_output=True, check=True)  # noqa: S602
        assert json.loads(made.stdout)["name"] == "Ada Lovelace"
        assert re.search(rf"Database +{re.escape(kept.format(folder=tmp_path))}\n", server.output)
        assert re.search(rf"Cache +{cached}\n", server.output)


def test_serve_logs_where_it_answers(tmp_path: Path) -> None:
    named = {"DATABASE": "sqlite", "AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1"}
    with Server(tmp_path, command="serve", **named) as server:
        assert server.output == ""
        lines = [json.loads(line) for line in server.errors.splitlines()]
        assert f"serving on http://localhost:{server.port}" in [line["message"] for line in lines]
        assert server.stop() == 0


def test_shell_completion(run: Run) -> None:
    found = run(_PROFILECORE_COMPLETE="complete_bash", COMP_WORDS="profilecore imp", COMP_CWORD="1")
    assert found.stdout.split() == ["import"]
    shown = run("--show-completion", "bash")
    assert "_profilecore_completion()" in shown.stdout + run("--show-completion").stdout


def on_terminal(folder: Path, *arguments: str, **settings: str) -> str:
    """What a command shows where standard output and error are a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment(TERM="xterm-256color", **settings),
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            data = os.read(leader, 65_536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        shown += data
    os.close(leader)
    assert process.wait(60) == 0
    return shown.decode()


def test_a_terminal_gets_a_progress_bar_and_colours(run: Run, tmp_path: Path) -> None:
    run("seed", "--count", "3000", "--out", "people.ndjson")
    shown = on_terminal(tmp_path, "import", "people.ndjson")
    assert "Importing" in shown
    assert re.search("\x1b\\[[0-9;]*3[0-9]", shown)
    assert "3,000 created" in shown
    plain = on_terminal(tmp_path, "export", "out.ndjson", NO_COLOR="1")
    assert "Exporting" in plain
    assert not re.search("\x1b\\[[0-9;]*3[0-9]", plain)


def test_a_pipe_gets_neither(run: Run) -> None:
    done = run("seed", "--count", "3000")
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
