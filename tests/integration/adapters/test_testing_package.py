"""The contract suites, as a team with an adapter of its own has them."""

import subprocess
import sys
from pathlib import Path

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
SUITE = """
import pytest

from profilecore.limits import Rate, Verdict
from profilecore.ports import Limiter
from profilecore.testing.limits import LimiterContract


class Generous:
    '''Lets everybody through.'''

    async def take(self, key: str, rate: Rate) -> Verdict:
        return Verdict(allowed=True, remaining=0, wait=0.0)


class TestGenerous(LimiterContract):
    @pytest.fixture
    def limiter(self) -> Limiter:
        return Generous()
"""


def ran(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_an_adapter_that_breaks_the_contract_is_told_what_differs(tmp_path: Path) -> None:
    """From outside of this project: its asserts are rewritten there too."""
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_generous.py").write_text(SUITE)
    named = "TestGenerous::test_as_many_as_may_come_at_once_and_no_more"
    done = ran(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_generous.py::{named}"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "At index 3 diff: True != False" in done.stdout


def test_without_pytest_the_core_is_there_and_the_suites_say_what_is_missing(
    tmp_path: Path,
) -> None:
    code = """
import sys
sys.modules["pytest"] = None
import profilecore
try:
    import profilecore.testing
except ImportError as error:
    print(error.name)
"""
    done = ran(tmp_path, "-c", code)
    assert (done.stdout, done.returncode) == ("pytest\n", 0), done.stderr
