"""The command line as a user has it: real processes in an empty folder."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.forking import COMMAND
from tests.support.processes import environment
from tests.support.processes import run as run_in

Started = Callable[..., "subprocess.Popen[bytes]"]


class Run(Protocol):
    """Run `profilecore` to its end, with settings by keyword."""

    def __call__(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]": ...


def assert_helped(run: Run, group: str, command: str) -> None:
    """A group of commands tells of each in one sentence, and each has examples."""
    assert re.search(rf"^  {command} +\w.*\.$", run(group).stdout, re.MULTILINE)
    done = run(group, command, "--help")
    assert done.returncode == 0
    assert re.search(rf"Examples:\n +.*profilecore {group} {command}", done.stdout)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def profilecore(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return run_in(tmp_path, *arguments, **settings)

    return profilecore


@pytest.fixture
def start(tmp_path: Path) -> Started:
    def profilecore(*arguments: str, **settings: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env=environment(**settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return profilecore
