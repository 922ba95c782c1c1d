"""Ctrl-C, kill -9, and readers that leave: what is left behind is whole."""

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run, Started
from tests.support.forking import COMMAND
from tests.support.processes import environment
from tests.support.processes import run as run_in
from tests.support.uploads import until

COUNT = 20_000
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What takes seconds to import; every hundredth line is broken."""
    folder = tmp_path_factory.mktemp("made")
    run_in(folder, "seed", "--count", str(COUNT), "--random-seed", "1", "--out", "many.ndjson")
    lines = (folder / "many.ndjson").read_text().splitlines()
    return "".join("oops\n" if n % 100 == 7 else f"{text}\n" for n, text in enumerate(lines))


@pytest.fixture
def many(made: str, tmp_path: Path) -> Path:
    """A file of it."""
    path = tmp_path / "many.ndjson"
    path.write_text(made)
    return path


def until_some_are_stored(folder: Path) -> None:
    deadline = time.monotonic() + 30
    wal = folder / "data" / "profiles.db-wal"
    while not (wal.exists() and wal.stat().st_size > 1_000_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def check_complete(run: Run, folder: Path) -> None:
    emails = [json.loads(text)["email"] for text in run("export").stdout.splitlines()]
    assert len(emails) == len(set(emails)) == COUNT * 99 // 100
    rejects = (folder / "many.ndjson.rejects.ndjson").read_text().splitlines()
    assert [json.loads(text)["line"] for text in rejects] == list(range(8, COUNT + 1, 100))


def test_an_import_that_is_killed_is_completed_by_the_next(
    start: Started, run: Run, many: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        process = start("import", many.name)
        time.sleep(0.5)
        until_some_are_stored(tmp_path)
        process.kill()
        process.communicate()
    done = run("import", many.name)
    assert done.returncode == 1
    assert " 0 updated, " in done.stdout
    assert f"{COUNT // 100} rejected" in done.stdout
    check_complete(run, tmp_path)


@pytest.mark.parametrize("number", ENDING)
def test_ctrl_c_ends_an_import_after_the_chunk_under_way(
    start: Started, run: Run, many: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("import", many.name)
    until_some_are_stored(tmp_path)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    said = errors.decode()
    assert process.returncode == 130
    assert said.startswith("profilecore: interrupted; the rows up to line ")
    assert said.endswith("are stored. Run it again to go on: what is there is skipped.\n")
    assert said.count("\n") == 1
    last = int(said.split("line ")[1].split()[0])
    assert last % 1_000 == 0
    assert 0 < last < COUNT
    stored = len(run("export").stdout.splitlines())
    assert stored == last * 99 // 100
    assert output.decode().startswith(f"{stored:,} created")
    run("import", many.name)
    check_complete(run, tmp_path)


@pytest.mark.parametrize("given", [b"", b'{"name":"ada","email":"ada@example.com"}\n'])
def test_ctrl_c_while_waiting_for_input(start: Started, tmp_path: Path, given: bytes) -> None:
    process = start("import", "-")
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.flush()
    until((tmp_path / "data" / "profiles.db").exists, 30, "it does not start")
    time.sleep(1)  # from there to its first read
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.wait(20) == 130
    assert time.monotonic() - began < 5
    _, errors = process.communicate()
    assert errors.startswith(b"profilecore: interrupted; no row is stored.")
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(
    ("arguments", "size"),
    [(("seed", "--count", "1000000", "--out"), 1_000_000), (("export",), 0)],
    ids=["seed", "export"],
)
def test_ctrl_c_leaves_no_part_of_a_file(
    start: Started, tmp_path: Path, number: signal.Signals, arguments: tuple[str, ...], size: int
) -> None:
    (tmp_path / "out.ndjson").write_text("the one before")
    process = start(*arguments, "out.ndjson")
    deadline = time.monotonic() + 30
    while not any(p.stat().st_size >= size for p in tmp_path.glob(".out.ndjson.*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == b"profilecore: interrupted.\n"
    assert (tmp_path / "out.ndjson").read_text() == "the one before"
    assert not list(tmp_path.glob(".out*"))


def test_what_was_started_to_outlive_its_terminal_does(tmp_path: Path) -> None:
    ignoring = subprocess.Popen(
        ["nohup", COMMAND, "seed", "--count", "20000", "--out", "out.ndjson"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: any(tmp_path.glob(".out.ndjson.*.part")), 30, "it does not start")
    ignoring.send_signal(signal.SIGHUP)
    ignoring.communicate(timeout=60)
    assert ignoring.returncode == 0
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 20_000


def test_ctrl_c_ends_a_seed_between_two_chunks(start: Started, run: Run, tmp_path: Path) -> None:
    process = start("seed", "--count", "200000")
    until_some_are_stored(tmp_path)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    stored = int(errors.decode().split()[2])
    assert errors.decode() == f"profilecore: interrupted; {stored} of 200000 are stored.\n"
    assert len(run("export").stdout.splitlines()) == stored


@pytest.mark.parametrize("arguments", [("export",), ("seed", "--count", "30000", "--out", "-")])
def test_a_reader_that_leaves_is_not_an_error(
    run: Run, start: Started, arguments: tuple[str, ...]
) -> None:
    run("seed", "--count", "5000")
    with start(*arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"}\n")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_a_reader_that_never_read_is_not_an_error_either(run: Run, start: Started) -> None:
    run("seed", "--count", "3")
    with start("export") as process:  # so little that it waits in a buffer
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_a_reader_of_a_named_pipe_may_leave_too(run: Run, start: Started, tmp_path: Path) -> None:
    run("seed", "--count", "5000")
    os.mkfifo(tmp_path / "pipe")
    with start("export", "pipe") as process:
        with (tmp_path / "pipe").open() as pipe:
            assert pipe.readline().endswith("}\n")
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_a_full_disk_leaves_the_old_export(run: Run, tmp_path: Path) -> None:
    run("seed", "--count", "5000")
    (tmp_path / "out.ndjson").write_text("the one before")
    done = subprocess.run(
        [COMMAND, "export", "out.ndjson"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        # Python ignores SIGXFSZ, so that a write beyond the limit fails as on a full disk does.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("profilecore: ")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "out.ndjson").read_text() == "the one before"
    assert not list(tmp_path.glob(".out*"))
