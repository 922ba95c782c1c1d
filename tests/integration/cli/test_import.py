"""`profilecore import`."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Run, Started
from tests.support.http import created
from tests.support.pictures import encoded, scene
from tests.support.processes import serving
from tests.support.uploads import uploaded


def line(name: str, **values: Any) -> str:
    return json.dumps({"name": name, "email": f"{name}@example.com"} | values) + "\n"


def exported(run: Run) -> dict[str, dict[str, Any]]:
    """Everything in the store, by name."""
    rows = [json.loads(text) for text in run("export").stdout.splitlines()]
    found = {row["name"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_rows_are_stored_and_counted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(line("ada", bio="x") + line("bob"))
    done = run("import", "a.ndjson")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 created, 0 updated, 0 skipped, 0 rejected in ")
    assert done.stdout.endswith(" rows/s)\n")
    assert exported(run)["ada"]["bio"] == "x"
    assert not list(tmp_path.glob("*.rejects.*"))


def test_broken_lines_go_to_a_file_of_their_own(run: Run, tmp_path: Path) -> None:
    broken = [
        b'{"name":\n',
        b"[]\n",
        b'{"name":"\xff","email":"x@example.com"}\n',
        b'{"name":"nul\\u0000","email":"n@example.com"}\n',
        b'{"name":1,"email":"i@example.com","age":7}\n',
        b'{"name":"' + b"x" * (2 << 20) + b'"}\n',
    ]
    content = b"\xef\xbb\xbf" + line("ada").encode() + b"\r\n".join([b"", *[b"".join(broken)]])
    (tmp_path / "a.ndjson").write_bytes(content + line("bob").rstrip().encode())
    done = run("import", "a.ndjson")
    assert done.returncode == 1
    assert "2 created, 0 updated, 0 skipped, 6 rejected" in done.stdout
    assert done.stdout.endswith("; see a.ndjson.rejects.ndjson\n")
    rejects = [
        json.loads(text) for text in (tmp_path / "a.ndjson.rejects.ndjson").read_text().splitlines()
    ]
    assert [reject["line"] for reject in rejects] == [3, 4, 5, 6, 7, 8]
    reasons = [reject["reason"] for reject in rejects]
    assert reasons[0].startswith("is not JSON: ")
    assert reasons[1:3] == ["is not a JSON object", "is not UTF-8"]
    assert reasons[3] == "name must not contain control characters"
    assert "age is unknown" in reasons[4]
    assert reasons[5] == "is longer than 1048576 bytes"
    assert rejects[2]["row"] == '{"name":"\\xff","email":"x@example.com"}'
    assert len(rejects[5]["row"]) == 1_000
    assert set(exported(run)) == {"ada", "bob"}


def test_the_rejects_of_an_earlier_run_do_not_stay(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("oops\n")
    assert run("import", "a.ndjson", "--rejects", "bad.ndjson").returncode == 1
    assert len((tmp_path / "bad.ndjson").read_text().splitlines()) == 1
    (tmp_path / "a.ndjson").write_text(line("ada"))
    assert run("import", "a.ndjson", "--rejects", "bad.ndjson").returncode == 0
    assert not (tmp_path / "bad.ndjson").exists()


@pytest.mark.parametrize("link", [False, True])
def test_the_file_that_is_read_is_not_taken_for_the_rejects(
    run: Run, tmp_path: Path, link: bool
) -> None:
    (tmp_path / "a.ndjson").write_text(line("ada"))
    if link:
        (tmp_path / "b.ndjson").symlink_to("a.ndjson")
    done = run("import", "a.ndjson", "--rejects", "b.ndjson" if link else "a.ndjson")
    assert done.returncode == 2
    assert "is read and cannot take the rejects too" in done.stderr
    assert (tmp_path / "a.ndjson").read_text() == line("ada")


@pytest.mark.parametrize("path", ["nowhere/bad.ndjson", "folder"])
def test_rejects_that_cannot_be_written_are_told_before_a_row_is_stored(
    run: Run, tmp_path: Path, path: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.ndjson").write_text(line("ada") + "oops\n")
    done = run("import", "a.ndjson", "--rejects", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"profilecore: rejects cannot be written: {path}: ")
    assert done.stderr.endswith("; name another file with --rejects.\n")
    assert exported(run) == {}


def test_rejects_are_their_owners_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("oops\n")
    rejects = tmp_path / "a.ndjson.rejects.ndjson"
    rejects.touch(0o644)
    assert run("import", "a.ndjson").returncode == 1
    assert rejects.read_text()
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_rejects_may_go_to_a_pipe(start: Started, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("oops\n")
    os.mkfifo(tmp_path / "pipe")
    with start("import", "a.ndjson", "--rejects", "pipe") as process:
        with (tmp_path / "pipe").open() as pipe:
            assert json.loads(pipe.read())["line"] == 1
        assert process.wait(30) == 1
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(("mode", "counts"), [("skip", (0, 1)), ("update", (1, 0))])
def test_a_row_that_is_there_already(
    run: Run, tmp_path: Path, mode: str, counts: tuple[int, int]
) -> None:
    (tmp_path / "a.ndjson").write_text(line("ada"))
    (tmp_path / "b.ndjson").write_text(line("ada", bio="new") + line("bob"))
    run("import", "a.ndjson")
    done = run("import", "b.ndjson", "--on-conflict", mode)
    assert done.returncode == 0
    assert done.stdout.startswith(
        f"1 created, {counts[0]} updated, {counts[1]} skipped, 0 rejected"
    )
    assert exported(run)["ada"]["bio"] == ("new" if mode == "update" else "")


def test_fail_stops_at_the_first_row_that_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(line("ada"))
    run("import", "a.ndjson")
    rows = [line(f"p{index}") for index in range(1_500)]
    (tmp_path / "b.ndjson").write_text("".join([*rows[:1_200], line("ada"), *rows[1_200:]]))
    done = run("import", "b.ndjson", "--on-conflict", "fail")
    assert done.returncode == 1
    assert done.stderr.startswith("profilecore: Row 1201: ")
    assert done.stderr.endswith("the rows up to line 1000 are stored.\n")
    assert len(exported(run)) == 1_001


def test_csv_with_values_over_several_lines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'name,email,bio,image_urls\nada,ada@example.com,"one\ntwo",http://a/ http://b/\n'
        "bob,nobody,,\ncyd,cyd@example.com,,\n"
    )
    done = run("import", "a.csv")
    assert done.stdout.startswith("2 created, 0 updated, 0 skipped, 1 rejected")
    reject = json.loads((tmp_path / "a.csv.rejects.ndjson").read_text())
    assert (reject["line"], reject["row"]) == (4, "bob,nobody,,")
    ada = exported(run)["ada"]
    assert (ada["bio"], ada["image_urls"]) == ("one\ntwo", ["http://a/", "http://b/"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,mail\nada,ada@example.com\n", "Unknown columns in the header: 'mail'"),
        ('[{"name": "ada", "email": "ada@example.com"}]', "jq -c"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    run: Run, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "data.txt").write_text(content)
    (tmp_path / "data.txt.rejects.ndjson").write_text("of the run before")
    done = run("import", "data.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert (tmp_path / "data.txt.rejects.ndjson").read_text() == "of the run before"
    assert exported(run) == {}


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (line("ada") + "oops\n", ()),
        ("name,email\nada,ada@example.com\nbob,nobody\n", ()),
        ("name,email\nada,ada@example.com\nbob,nobody\n", ("--format", "csv")),
    ],
)
def test_standard_input(
    start: Started, run: Run, tmp_path: Path, content: str, options: tuple[str, ...]
) -> None:
    process = start("import", "-", *options)
    output, errors = process.communicate(content.encode(), 60)
    assert (process.returncode, errors) == (1, b"")
    assert output.endswith(b"; see import.rejects.ndjson\n")
    assert len((tmp_path / "import.rejects.ndjson").read_text().splitlines()) == 1
    assert set(exported(run)) == {"ada"}


def test_nothing_is_nothing(start: Started) -> None:
    process = start("import", "-")
    output, _ = process.communicate(b"", 60)
    assert process.returncode == 0
    assert output.startswith(b"0 created")


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_images_that_do_not_come_along_are_told(run: Run, tmp_path: Path, kind: str) -> None:
    with serving(tmp_path) as (_, api):
        uploaded(api, created(api), encoded(scene(), "PNG"))
        created(api)
    run("export", f"all.{kind}")
    done = run("import", f"all.{kind}", DATA_DIR="elsewhere")
    assert done.stdout.startswith("2 created, 0 updated, 0 skipped, 0 rejected in ")
    assert done.stdout.endswith("; 1 without the images that were uploaded for them\n")
    for row in run("export", DATA_DIR="elsewhere").stdout.splitlines():
        assert '"image_urls":[],"images":[]' in row


def test_an_export_can_be_imported_elsewhere(run: Run, tmp_path: Path) -> None:
    run("seed", "--count", "1500", "--random-seed", "3")
    for name in ("all.ndjson", "all.csv"):
        assert run("export", name).stdout == f"1,500 profiles in {name}\n"
        done = run("import", name, DATA_DIR=name[-3:])
        assert done.stdout.startswith("1,500 created, 0 updated, 0 skipped, 0 rejected"), done
        assert run("export", DATA_DIR=name[-3:]).stdout == run("export").stdout
