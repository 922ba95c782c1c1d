"""Without it nothing of it is there; and where it is asked for and missing, one is told."""

import subprocess
import sys
from pathlib import Path

from tests.support.http import created
from tests.support.processes import environment, serving

OFF = """
import asyncio, sys
from profilecore.entrypoints.http import create_app
from profilecore.entrypoints.opening import opened
from profilecore.entrypoints.settings import Settings

async def main():
    given = {"DATABASE": "memory", "DATA_DIR": sys.argv[1]}
    async with opened(Settings.read("dev", given)) as parts:
        create_app(parts)
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    assert not [name for name in sys.modules if "google.protobuf" in name]

asyncio.run(main())
"""
MISSING = """
import sys
sys.modules["opentelemetry"] = None
from profilecore.entrypoints.cli import main
sys.argv = ["profilecore", "dev"]
sys.exit(main())
"""


def python(program: str, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_off_means_that_nothing_of_it_is_imported(tmp_path: Path) -> None:
    done = python(OFF, str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_off_says_nothing_of_traces_in_the_log(tmp_path: Path) -> None:
    """Not of that of a client, either: nobody could find it."""
    with serving(tmp_path, LOG_FORMAT="json") as (server, client):
        created(client)
        server.stop()
    assert "trace_id" not in server.errors


def test_without_its_package_the_start_says_what_to_install(tmp_path: Path) -> None:
    given = {"OTEL_TRACES_EXPORTER": "otlp", "DATA_DIR": str(tmp_path), "SERVER_PORT": "0"}
    done = python(MISSING, **given)
    assert done.returncode == 2, done.stderr
    assert "OTEL_TRACES_EXPORTER" in done.stderr
    assert "pip install 'profilecore[tracing]'" in done.stderr


def test_variables_that_the_sdk_cannot_use_end_the_start(tmp_path: Path) -> None:
    given = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
        "DATA_DIR": str(tmp_path),
        "SERVER_PORT": "0",
    }
    done = python(MISSING.replace('sys.modules["opentelemetry"] = None', ""), **given)
    assert done.returncode == 1, done.stderr
    assert "OTEL_ variables" in done.stderr
    assert "Traceback" not in done.stderr
