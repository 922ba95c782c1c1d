"""The OpenAPI document is true to the code: schemathesis plays it against the real service."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.processes import Server

COMMAND = Path(sys.executable).with_name("schemathesis")
HERE = Path(__file__).parent
EXAMPLES = os.environ.get("PROFILECORE_SCHEMA_EXAMPLES", "25")
"""How many cases an operation gets at random; a campaign of some hours takes 10000."""


def test_schema(server: Server) -> None:
    """GET /openapi.json: whatever it allows is accepted, whatever it forbids is a problem."""
    finished = subprocess.run(
        [
            *(COMMAND, "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{server.url}/openapi.json"),
            *("--max-examples", EXAMPLES),
            *("--continue-on-failure", "--no-color"),
        ],
        cwd=HERE.parent.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=None if "PROFILECORE_SCHEMA_EXAMPLES" in os.environ else 110,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert "Tested: 25" in finished.stdout, finished.stdout
    lines = [json.loads(line) for line in server.errors.splitlines()]
    answered = [line["status"] for line in lines if "status" in line]
    assert len(answered) > 500
    assert not [status for status in answered if status >= 500]
    assert not [line for line in lines if "exception" in line]
