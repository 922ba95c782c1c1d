"""wrk, as one closed load of so many connections."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}
_BODIES: Final = """
local bodies, round = {{}}, 0
request = function()
  round = round + 1
  local email = string.format("%d.%d.{seed}@example.com", round, math.random(1e9))
  local body = string.format('{body}', email)
  return wrk.format("POST", "{path}", nil, body)
end
wrk.headers["Content-Type"] = "application/json"
"""


@dataclass(frozen=True)
class Closed:
    """What came of it; milliseconds."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    """Microseconds of the server's CPU for one request."""


def wrk(
    port: int,
    script: Path,
    *,
    process: int,
    connections: int,
    seconds: int,
    headers: Mapping[str, str] | None = None,
) -> Closed:
    """Ask for so long; every answer has to be a 2xx."""
    options = [
        word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")
    ]
    server = psutil.Process(process)
    before = used(server)
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--latency", "--script", str(script), *options),
            f"http://127.0.0.1:{port}/",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    cpu = used(server) - before
    text = done.stdout
    assert "Non-2xx" not in text, text
    requests = int(_found(r"(\d+) requests in", text))
    return Closed(
        float(_found(r"Requests/sec:\s+([\d.]+)", text)),
        _milliseconds(_found(r"\n\s+50%\s+(\S+)", text)),
        _milliseconds(_found(r"\n\s+99%\s+(\S+)", text)),
        cpu / requests * 1e6,
    )


def used(process: psutil.Process) -> float:
    """Seconds of CPU, of it and of all it has started."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def getting(script: Path, paths: Sequence[str]) -> Path:
    """A script that asks for one path after the other."""
    listed = ",".join(json.dumps(path) for path in paths)
    script.write_text(
        f"local paths, round = {{{listed}}}, 0\n"
        "request = function() round = round + 1; "
        "return wrk.format('GET', paths[round % #paths + 1]) end\n"
    )
    return script


def posting(script: Path, path: str, seed: str) -> Path:
    """A script that makes one profile after the other."""
    body = json.dumps({"name": "Ada Lovelace", "email": "%s", "bio": "x" * 200})
    script.write_text(_BODIES.format(path=path, body=body, seed=seed))
    return script


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
