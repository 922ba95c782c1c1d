"""The core needs the standard library and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import profilecore

CODE = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import profilecore
import profilecore.batch, profilecore.feed, profilecore.importing, profilecore.ports
import profilecore.outbox, profilecore.tasks, profilecore.tasks.builtin
assert profilecore.__file__.startswith(sys.argv[1]), profilecore.__file__
loaded = {name.partition(".")[0] for name in set(sys.modules) - before} - {"profilecore"}
print(",".join(sorted(loaded - sys.stdlib_module_names)))
"""
COMMAND = """
import sys
sys.path.insert(0, sys.argv[1])
from profilecore.entrypoints.cli import main
sys.exit(main())
"""


def test_it_is_imported_where_nothing_is_installed(tmp_path: Path) -> None:
    """-I -S: no environment, no site-packages; the folder holds the core's files alone."""
    source = Path(profilecore.__file__).parent
    others = shutil.ignore_patterns("adapters", "entrypoints", "testing", "__pycache__")
    shutil.copytree(source, tmp_path / "profilecore", ignore=others)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CODE, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "\n")


def test_the_command_says_what_it_needs_beside_the_core(tmp_path: Path) -> None:
    source = Path(profilecore.__file__).parent
    shutil.copytree(source, tmp_path / "profilecore", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", COMMAND, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "profilecore: typer is missing: the core alone is installed; "
        "for the command: pip install 'profilecore[service]'\n"
    )


def test_a_command_that_lacks_a_part_of_itself_does_not_blame_the_extra(tmp_path: Path) -> None:
    source = Path(profilecore.__file__).parent
    shutil.copytree(source, tmp_path / "profilecore", ignore=shutil.ignore_patterns("groups.py"))
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "No module named 'profilecore.entrypoints.cli.groups'" in done.stderr
