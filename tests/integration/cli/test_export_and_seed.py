"""`profilecore export` and `profilecore seed`."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

from tests.integration.cli.conftest import Run, Started
from tests.support.forking import COMMAND
from tests.support.processes import Server, environment

FIELDS = [
    *("id", "name", "email", "bio", "image_urls"),
    *("images", "owner", "version", "created_at", "updated_at"),
]


def test_an_export_has_the_apis_fields_in_its_order(run: Run) -> None:
    run("seed", "--count", "20")
    lines = run("export").stdout.splitlines()
    assert len(lines) == 20
    for line in lines:
        row = json.loads(line)
        assert list(row) == FIELDS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["created_at"])
    assert run("export", "--format", "csv").stdout.splitlines()[0] == ",".join(FIELDS)


def test_an_export_shows_what_the_api_shows(run: Run, tmp_path: Path) -> None:
    run("seed", "--count", "5")
    row = json.loads(run("export").stdout.splitlines()[0])
    with Server(tmp_path) as server, server.client() as client:
        assert client.get(f"/api/v1/profiles/{row['id']}").json()["profile"] == row


def test_a_file_takes_the_place_of_the_one_before_and_is_its_owners(
    run: Run, tmp_path: Path
) -> None:
    run("seed", "--count", "3")
    (tmp_path / "real.ndjson").write_text("old")
    (tmp_path / "out.ndjson").symlink_to("real.ndjson")
    assert run("export", "out.ndjson").returncode == 0
    assert (tmp_path / "out.ndjson").is_symlink()
    assert len((tmp_path / "real.ndjson").read_text().splitlines()) == 3
    assert stat.S_IMODE((tmp_path / "real.ndjson").stat().st_mode) == 0o600


def test_a_pipe_is_written_and_not_replaced(run: Run, start: Started, tmp_path: Path) -> None:
    run("seed", "--count", "3")
    os.mkfifo(tmp_path / "pipe")
    with start("export", "pipe") as process:
        with (tmp_path / "pipe").open() as pipe:
            assert len(pipe.readlines()) == 3
        assert process.wait(30) == 0
    assert (tmp_path / "pipe").is_fifo()


def test_the_same_random_seed_is_skipped_and_another_adds(run: Run) -> None:
    first = run("seed", "--count", "300", "--random-seed", "7")
    assert first.stdout.startswith("300 created, 0 updated, 0 skipped, 0 rejected in ")
    assert first.stdout.endswith(", random seed 7\n")
    again = run("seed", "--count", "300", "--random-seed", "7")
    assert again.stdout.startswith("0 created, 0 updated, 300 skipped, 0 rejected in ")
    assert run("seed", "--count", "300").stdout.startswith("300 created")
    assert run("seed", "--count", "300").stdout.startswith("300 created")


def test_a_seed_is_the_same_in_every_process(run: Run) -> None:
    seed = ("seed", "--random-seed", "7", "--out", "-", "--count")
    first = run(*seed, "1200", PYTHONHASHSEED="1").stdout
    assert first == run(*seed, "1200", PYTHONHASHSEED="2").stdout
    assert first.startswith(run(*seed, "10").stdout)
    assert first != run("seed", "--out", "-", "--count", "1200").stdout


def redirected(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    """Run the command by a shell, which can close its streams."""
    return subprocess.run(
        ["sh", "-c", f"{COMMAND} {line}"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_standard_output_that_is_closed_is_told(tmp_path: Path) -> None:
    done = redirected(tmp_path, "export >&-")
    assert done.returncode == 2
    assert done.stderr == "profilecore: standard output: is closed\n"


def test_a_command_works_without_a_standard_error(tmp_path: Path) -> None:
    for command, said in (("seed --count 3", "3 created"), ("export", '{"id"')):
        done = redirected(tmp_path, f"{command} 2>&-")
        assert done.returncode == 0
        assert done.stdout.startswith(said)
    refused = redirected(tmp_path, "import nowhere 2>&-")
    assert (refused.returncode, refused.stdout) == (2, "")
