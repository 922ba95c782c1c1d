"""The OpenAPI document is true to the code: schemathesis plays it against the real service."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from profilecore.entrypoints.http import openapi_document
from tests.support.callers import ALL, token
from tests.support.processes import Server, environment

COMMAND = Path(sys.executable).with_name("schemathesis")
HERE = Path(__file__).parent
EXAMPLES = os.environ.get("PROFILECORE_SCHEMA_EXAMPLES", "25")
"""How many cases an operation gets at random, beside those made for each of its limits.

25 make 1,900 cases in all, in some 50 seconds of CPU; 175, which `nox -s schema` takes, make 5,000.
"""
CASES_MIN = 1_500
TESTED = sum(len(path) for path in openapi_document()["paths"].values()) - 1  # one has no end


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One that asks who calls: whatever is found without that is found with it."""
    with Server(tmp_path, AUTH_MODE="token") as server:
        yield server


@pytest.mark.timeout(0 if "PROFILECORE_SCHEMA_EXAMPLES" in os.environ else 400)
def test_schema(server: Server) -> None:
    """GET /openapi.json: whatever it allows is accepted, whatever it forbids is a problem.

    And whatever is not for everybody is refused without a token, and with another.
    """
    finished = subprocess.run(
        [
            *(COMMAND, "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{server.url}/openapi.json"),
            *("--mode", "all", "--max-examples", EXAMPLES),  # every check is on by default
            *("--continue-on-failure", "--no-color"),
        ],
        cwd=HERE.parent.parent,
        env=environment(API_TOKEN=token(server.folder, ALL)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert f"Tested: {TESTED}\n" in finished.stdout, finished.stdout
    assert "Unresolvable" not in finished.stdout, finished.stdout
    generated = re.search(r"(\d+) generated, \1 passed", finished.stdout)
    assert generated, finished.stdout
    lines = [json.loads(line) for line in server.errors.splitlines()]
    answered = Counter(line["status"] for line in lines if "status" in line)
    print(f"{generated[1]} cases: {dict(answered)}")
    assert int(generated[1]) >= CASES_MIN
    assert not [status for status in answered if status >= 500]
    assert not [line for line in lines if "exception" in line]
    assert answered[200] + answered[201] > 100  # the token was good for something
    assert answered[401] > TESTED  # nearly each without one, and with a wrong one
    assert not answered[403]
