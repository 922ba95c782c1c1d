"""`profilecore images rerender`: the smaller variants anew, broken off and gone on with."""

import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run, Started
from tests.support.forking import COMMAND
from tests.support.http import PROFILES, created
from tests.support.pictures import encoded, photograph
from tests.support.processes import environment, serving
from tests.support.uploads import assert_whole, gone, images, until, uploaded

SAID = re.compile(
    r"profilecore: interrupted; go on with: profilecore images rerender --from (\S+)\n"
)


def test_rerender(
    run: Run, start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one, since each part of it needs what the one before has left."""
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path) as (_, client):
        first = created(client)
        old = uploaded(client, first, encoded(photograph(500, 400), quality=95))
        run("seed", "--count", "230")
        last = created(client)
        other = uploaded(client, last, encoded(photograph(400, 500), quality=95))

        # Ctrl-C: what is under way is finished, and how to go on is said.
        process = start("images", "rerender", TMPDIR=str(tmp_path / "tmp"))
        until(lambda: list((tmp_path / "tmp").glob("profilecore-rerender-*/*")), 30, "no start")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        said = SAID.fullmatch(errors.decode())
        assert said, errors
        assert (process.returncode, output) == (130, b"")
        assert not list((tmp_path / "tmp").glob("profilecore-rerender-*"))
        until(lambda: images(client, first) != [old], 5, "not made anew")  # it is in the cache
        (new,) = images(client, first)
        assert (new["created_at"], new["width"]) == (old["created_at"], old["width"])
        assert new["variants"]["large"]["bytes"] == old["variants"]["large"]["bytes"]
        assert_whole(client, new)
        gone(client, old)
        assert images(client, last) == [other], "its turn has not come"

        # From there on.
        rest = run("images", "rerender", "--from", said[1])
        assert (rest.returncode, rest.stderr) == (0, "")
        looked = re.fullmatch(r"(\d+) profiles looked at, 1 images made anew\n", rest.stdout)
        assert looked
        assert 32 <= int(looked[1]) <= 132
        until(lambda: images(client, last) != [other], 5, "not made anew")  # as above
        (renewed,) = images(client, last)
        assert_whole(client, renewed)

        # Again changes nothing; and a person is shown how far it is.
        versions = {p["id"]: p["version"] for p in client.get(PROFILES).json()}
        shown = on_a_terminal(tmp_path)
        assert "Rendering" in shown
        assert "232 profiles looked at, 0 images made anew" in shown
        assert {p["id"]: p["version"] for p in client.get(PROFILES).json()} == versions


def on_a_terminal(folder: Path) -> str:
    """What somebody sees who runs it."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "images", "rerender"],
        cwd=folder,
        env=environment(TERM="xterm", COLUMNS="100"),
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                data = os.read(leader, 65_536)
            except OSError:  # as Linux says that the other end is closed
                break
            shown += data
        os.close(leader)
        assert process.wait(60) == 0, shown
    return shown.decode()


@pytest.mark.parametrize("cursor", ["x", "", "eyJ"])
def test_a_cursor_that_is_none(run: Run, cursor: str) -> None:
    done = run("images", "rerender", "--from", cursor)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--from: is not where a run was broken off" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_images_there_is_nothing_to_do(run: Run) -> None:
    done = run("images", "rerender")
    assert (done.returncode, done.stdout) == (0, "0 profiles looked at, 0 images made anew\n")
    assert "rerender" in run("images").stdout
