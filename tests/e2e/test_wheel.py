"""The wheel, as one gets it: built, installed where nothing else is, and run in an empty folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from profilecore.entrypoints.version import VERSION
from tests.support.http import created, path_of
from tests.support.processes import Server, environment

ROOT: Final = Path(__file__).parents[2]
LOCKED: Final = ROOT / "requirements" / "service.txt"
BUILT_FROM: Final = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
ASSET: Final = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css))"')
pytestmark = pytest.mark.timeout(300)  # without uv, pip installs, and takes its time


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment() if env is None else env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, so that nothing which an older build has left behind gets into it."""
    tree = tmp_path_factory.mktemp("tree")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, tree)
    left_out = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", tree / "src", ignore=left_out)
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", tree / "dist")
    run(sys.executable, *build, cwd=tree)
    (wheel,) = (tree / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has the wheel and what is locked, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    pip: tuple[str | Path, ...] = (sys.executable, "-m", "pip", "--python", python, "install")
    install = (uv, "pip", "install", "--python", python) if uv else pip
    # The core first, and by itself.
    run(*install, "--no-deps", wheel, cwd=folder)
    run(python, "-c", "import profilecore", cwd=folder)
    # Where packages are had from stands in the environment of whoever runs the tests.
    run(*install, "--require-hashes", "--requirement", LOCKED, cwd=folder, env=os.environ)
    # Nothing is looked for: what the extra asks for has to be there by now.
    run(*install, "--no-index", f"profilecore[service] @ {wheel.as_uri()}", cwd=folder)
    return folder / "bin"


def test_it_is_what_was_built(commands: Path, tmp_path: Path) -> None:
    assert run(commands / "profilecore", "--version", cwd=tmp_path).strip().endswith(VERSION)
    where = "import profilecore.entrypoints as e; print(e.__file__)"
    found = run(commands / "python", "-c", where, cwd=tmp_path)
    assert Path(found.strip()).is_relative_to(commands.parent)


def test_it_serves_people_and_the_web_client_until_it_is_told_to_end(
    commands: Path, tmp_path: Path
) -> None:
    with (
        Server(tmp_path, program=[str(commands / "profilecore")]) as server,
        server.client() as client,
    ):
        profile = created(client)
        assert client.get(path_of(profile)).json()["profile"] == profile
        assert client.get("/health").json()["version"] == VERSION
        page = client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assets = ASSET.findall(page.text)
        assert {Path(name).suffix for name in assets} == {".js", ".css"}
        for name in assets:
            assert client.get(name).status_code == 200, name
        assert client.get("/docs").status_code == 200
        server.signal(signal.SIGINT)
        assert server.wait() == 0
    assert server.database.exists()
    assert "Traceback" not in server.errors
