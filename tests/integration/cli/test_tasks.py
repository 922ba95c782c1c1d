"""`profilecore tasks`: every command, wrong arguments, JSON, pipes, terminals and Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.cli.conftest import Run, Started, assert_helped
from tests.support.forking import COMMAND
from tests.support.processes import Server, environment, serving
from tests.support.processes import run as run_in
from tests.support.tasks import (
    FIELDS,
    HANDLERS,
    MORE_FIELDS,
    WAIT_MAX,
    dead,
    held,
    path_of_task,
    read,
    submitted,
)

UNKNOWN = "0198c5a0-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    """A service whose folder, and so whose store, the commands share."""
    with serving(tmp_path_factory.mktemp("served"), **HANDLERS) as pair:
        yield pair


@pytest.fixture
def api(served: tuple[Server, httpx.Client]) -> httpx.Client:
    return served[1]


@pytest.fixture
def tasks(served: tuple[Server, httpx.Client]) -> Run:
    def profilecore(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return run_in(served[0].folder, "tasks", *arguments, **HANDLERS, **settings)

    return profilecore


def said_in_one_line(done: "subprocess.CompletedProcess[str]", *texts: str) -> None:
    assert done.stdout == ""
    assert done.stderr.startswith("profilecore: ")
    assert done.stderr.count("\n") == 1
    for text in texts:
        assert text in done.stderr


@pytest.mark.parametrize("command", ["list", "show", "submit", "cancel", "retry", "watch"])
def test_help_has_examples(run: Run, command: str) -> None:
    assert_helped(run, "tasks", command)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lst",), "No such command 'lst'"),
        (("list", "--status", "pending"), "'scheduled', 'queued', 'running', 'succeeded', 'dead'"),
        (("list", "--limit", "0"), "'--limit'"),
        (("show",), "Missing argument 'ID'"),
        (("show", "17"), "UUID"),
        (("submit",), "Missing argument 'TYPE'"),
        (("submit", "nothing"), "the types are: echo"),
        (("submit", "e cho"), "must be a word such as http.callback"),
        (("submit", "echo", "--payload", "no"), "is no JSON object such as"),
        (("submit", "echo", "--payload", "[1]"), "is no JSON object such as"),
        (("submit", "echo", "--payload", '{"a": NaN}'), "is no JSON object such as"),
        (("submit", "echo", "--payload", "@not-there.json"), "not-there.json: No such file"),
        (("submit", "echo", "--delay", "soon"), "90s, 5m or 1h30m, up to 30 days"),
        (("submit", "echo", "--delay", "-1"), "90s, 5m or 1h30m, up to 30 days"),
        (("submit", "echo", "--delay", "31d"), "90s, 5m or 1h30m, up to 30 days"),
        (("submit", "echo", "--delay", "9" * 400), "90s, 5m or 1h30m, up to 30 days"),
        (("submit", "echo", "--at", "tomorrow"), "2026-11-26T13:00:00Z"),
        (("submit", "echo", "--at", "17"), "2026-11-26T13:00:00Z"),
        (("submit", "echo", "--at", "2026-11-26T13:00:00"), "must be a time with its zone"),
        (("submit", "echo", "--at", "2020-01-01T00:00:00Z"), "must be from now"),
        (("submit", "echo", "--at", "2020-01-01T00:00:00Z", "--delay", "1"), "both given"),
        (("submit", "echo", "--priority", "10"), "'--priority'"),
        (("submit", "echo", "--max-attempts", "0"), "'--max-attempts'"),
        (("submit", "echo", "--unique-key", ""), "1 to 255 printable characters"),
        (("cancel",), "Missing argument 'ID...'"),
        (("cancel", "17"), "UUID"),
        (("retry",), "give ids, or --all-dead"),
        (("retry", UNKNOWN, "--all-dead"), "give ids, or --all-dead"),
        (("watch", "--interval", "0"), "'--interval'"),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("tasks", *arguments)
    assert done.returncode == 2, done
    said_in_one_line(done, said)


def test_a_payload_that_is_too_large(run: Run, tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text(json.dumps({"a": "x" * 262_144}))
    done = run("tasks", "submit", "echo", "--payload", "@large.json")
    assert done.returncode == 2
    said_in_one_line(done, "payload must have at most 262,144 bytes")


def test_a_store_that_ends_with_the_command(run: Run) -> None:
    for command in (("list",), ("submit", "echo"), ("watch",), ("cancel", UNKNOWN)):
        done = run("tasks", *command, DATABASE="memory")
        assert done.returncode == 2
        said_in_one_line(done, "DATABASE is 'memory'")


def test_submit_prints_the_id(tasks: Run, api: httpx.Client) -> None:
    done = tasks(
        *("submit", "echo", "--payload", '{"n": 1}', "--delay", "1h", "--priority", "3"),
        *("--max-attempts", "7", "--unique-key", "k"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    task = read(api, {"id": done.stdout.strip()})
    assert (task["payload"], task["priority"], task["max_attempts"]) == ({"n": 1}, 3, 7)
    assert (task["status"], task["unique_key"]) == ("scheduled", "k")
    again = tasks("submit", "echo", "--unique-key", "k", "--json")
    assert json.loads(again.stdout) == task
    timed = tasks("submit", "echo", "--at", task["run_at"], "--json")
    assert json.loads(timed.stdout)["run_at"] == task["run_at"]


def test_submit_reads_files_and_standard_input(
    tasks: Run, served: tuple[Server, httpx.Client]
) -> None:
    folder = served[0].folder
    (folder / "payload.json").write_text('{"n": [2]}')
    done = tasks("submit", "echo", "--payload", "@payload.json", "--wait", "--json")
    assert json.loads(done.stdout)["result"] == {"n": [2]}
    piped = subprocess.run(
        [COMMAND, "tasks", "submit", "echo", "--payload", "-", "--json"],
        cwd=folder,
        env=environment(**HANDLERS),
        input=b'{"n": 3}',
        capture_output=True,
        check=True,
    )
    assert json.loads(piped.stdout)["payload"] == {"n": 3}


def test_submit_waits(tasks: Run) -> None:
    done = tasks("submit", "echo", "--wait", "--delay", "0.3")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^status +succeeded$", done.stdout, re.MULTILINE)
    failed = tasks("submit", "test.fail", "--wait", "--max-attempts", "1")
    assert (failed.returncode, failed.stderr) == (1, "")
    assert re.search(r"^status +dead$", failed.stdout, re.MULTILINE)
    assert re.search(
        r"^attempt 1 +\S+Z  ValueError: attempt 1 failed$", failed.stdout, re.MULTILINE
    )


def test_ctrl_c_ends_a_wait_and_not_the_task(start: Started, run: Run) -> None:
    """Where no service runs, the wait says so."""
    process = start("tasks", "submit", "echo", "--wait")
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    assert "is due, and nobody has started it" in said
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT_MAX)
    assert process.returncode == 130
    assert re.fullmatch(rb"profilecore: interrupted; task \S+ goes on, .*\n", errors)
    (task,) = run("tasks", "list", "--json").stdout.splitlines()
    assert json.loads(task)["status"] == "scheduled"


def test_list(tasks: Run, api: httpx.Client) -> None:
    failed, waiting = dead(api), submitted(api, delay="1h")
    done = tasks("list")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["ID", "STATUS", "TYPE", "RUN", "AT", "ATTEMPT", "PRIORITY", "ERROR"]
    assert rows[0].split()[:3] == [waiting["id"], "scheduled", "echo"]
    assert rows[1].split()[:3] == [failed["id"], "dead", "test.fail"]
    assert rows[1].endswith("ValueError: attempt 1 failed")
    assert "\x1b" not in done.stdout
    found = tasks("list", "--status", "dead", "--type", "test.fail", "--limit", "1", "--json")
    (line,) = found.stdout.splitlines()
    assert json.loads(line) == failed
    assert list(json.loads(line)) == FIELDS + MORE_FIELDS
    assert tasks("list", "--type", "no.such", "--json").stdout == ""


def test_list_goes_beyond_a_page(run: Run, tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        made = [submitted(client, delay="1h")["id"] for _ in range(205)][::-1]
        for limit in (1, 100, 204, 1_000):
            lines = run("tasks", "list", "--limit", str(limit), "--json").stdout.splitlines()
            assert [json.loads(line)["id"] for line in lines] == made[:limit]


def test_show(tasks: Run, api: httpx.Client) -> None:
    failed = dead(api)
    done = tasks("show", failed["id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^id +{failed['id']}$", done.stdout, re.MULTILINE)
    assert re.search(r"^result +-$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout
    assert json.loads(tasks("show", failed["id"], "--json").stdout) == failed
    unknown = tasks("show", UNKNOWN)
    assert unknown.returncode == 1
    said_in_one_line(unknown, f"There is no task {UNKNOWN}.")


def test_cancel(tasks: Run, api: httpx.Client) -> None:
    waiting, running = submitted(api, delay="1h"), held(api)
    done = tasks("cancel", waiting["id"], running["id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{waiting['id']} cancelled\n{running['id']} cancelling\n"
    assert read(api, running, wait=WAIT_MAX)["status"] == "cancelled"
    other = submitted(api, delay="1h")
    mixed = tasks("cancel", waiting["id"], UNKNOWN, other["id"])
    assert mixed.returncode == 1
    assert mixed.stdout == f"{other['id']} cancelled\n"
    first, second = mixed.stderr.splitlines()
    assert first.startswith(f"profilecore: Task {waiting['id']} is cancelled; this takes")
    assert second == f"profilecore: There is no task {UNKNOWN}."


def test_retry(tasks: Run, api: httpx.Client) -> None:
    task, waiting = dead(api), submitted(api, delay="1h")
    done = tasks("retry", task["id"])
    assert (done.returncode, done.stdout) == (0, f"{task['id']} scheduled\n")
    ended = read(api, task, wait=WAIT_MAX)
    assert (ended["status"], len(ended["errors"])) == ("dead", 2)
    refused = tasks("retry", waiting["id"])
    assert refused.returncode == 1
    said_in_one_line(refused, "this takes one that is dead")


def test_retry_all_that_are_dead(run: Run, tmp_path: Path) -> None:
    with serving(tmp_path, **HANDLERS) as (_, client):
        none = run("tasks", "retry", "--all-dead", **HANDLERS)
        assert (none.returncode, none.stdout) == (0, "no task is dead\n")
        made = {dead(client)["id"] for _ in range(3)}
        done = run("tasks", "retry", "--all-dead", **HANDLERS)
        assert done.returncode == 0
        assert {line.split()[0] for line in done.stdout.splitlines()} == made
        for id_ in made:
            assert len(read(client, {"id": id_}, wait=WAIT_MAX)["errors"]) == 2


def test_watch_in_a_pipe(served: tuple[Server, httpx.Client], api: httpx.Client) -> None:
    """A line for each look, no colours; Ctrl-C ends it with 130 and one line."""
    failed = dead(api)
    process = watching(served[0].folder)
    assert process.stdout is not None
    for _ in range(2):
        line = process.stdout.readline().decode()
        assert re.match(r"\S+Z  \d+ scheduled, \d+ queued, \d+ running, oldest due for ", line)
        assert f"last dead {failed['id']} (test.fail)" in line
        assert "\x1b" not in line
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT_MAX)
    assert (process.returncode, errors) == (130, b"profilecore: interrupted.\n")


def test_a_reader_of_a_watch_may_leave(served: tuple[Server, httpx.Client]) -> None:
    process = watching(served[0].folder)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(WAIT_MAX) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def watching(folder: Path, output: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [COMMAND, "tasks", "watch", "--interval", "0.2"],
        cwd=folder,
        env=environment(TERM="xterm-256color", COLUMNS="160", **HANDLERS),
        stdout=output,
        stderr=output,
    )


def test_watch_on_a_terminal(served: tuple[Server, httpx.Client], api: httpx.Client) -> None:
    """The view has counts, what runs with its progress, and what died last; in colours."""
    running, failed = held(api), dead(api)
    leader, follower = pty.openpty()
    process = watching(served[0].folder, follower)
    os.close(follower)
    shown = b""
    deadline = time.monotonic() + WAIT_MAX
    while failed["id"].encode() not in shown or running["id"].encode() not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(leader, 65_536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            shown += os.read(leader, 65_536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
    os.close(leader)
    assert process.wait(WAIT_MAX) == 130
    text = shown.decode()
    assert text.rstrip().endswith("profilecore: interrupted.")
    assert re.search("\x1b\\[[0-9;]*3[0-9]", text)
    for word in ("scheduled", "oldest due for", "RUNNING", "DEAD", "ValueError: attempt 1 failed"):
        assert word in text
    assert text.count("\x1b[?25h") >= text.count("\x1b[?25l")  # the cursor is shown again
    api.delete(path_of_task(running))


def test_an_error_cannot_steer_a_terminal(tasks: Run, api: httpx.Client) -> None:
    task = submitted(api, delay="1h", payload={"\x1b[2J": "\x9b2J\x7f\u202e"}, unique_key="\u202e")
    shown = tasks("show", task["id"]).stdout
    for character in "\x1b\x9b\x7f\u202e":
        assert character not in shown
