"""100,000 profiles made up, exported, broken in places, imported, and listed while others write."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil

from benchmarks._report import Report
from tests.support.processes import COMMAND, Server, environment

COUNT = int(os.environ.get("PROFILES", "100000"))
BROKEN = COUNT // 100
PROFILES = "/api/v1/profiles"


def main() -> None:
    report = Report(f"import and list of {COUNT:,} profiles")
    with tempfile.TemporaryDirectory() as folder:
        made, loaded = Path(folder, "made"), Path(folder, "loaded")
        made.mkdir()
        loaded.mkdir()
        seconds, _ = measured(made, "seed", "--count", str(COUNT), "--random-seed", "1")
        report.figure("seed", COUNT / seconds, "profiles/s")
        source = loaded / "people.ndjson"
        seconds, peak = measured(made, "export", str(source))
        report.figure("export", COUNT / seconds, "rows/s")
        report.figure("export, peak memory", peak / 2**20, "MB")
        broken = break_some(source)
        seconds, peak = measured(loaded, "import", source.name, expected=1)
        report.at_least("import", COUNT / seconds, 5_000, "rows/s")
        report.at_most("import, peak memory", peak / 2**20, 150, "MB")
        check(report, loaded, source, broken)
    report.end()


def measured(folder: Path, *arguments: str, expected: int = 0) -> tuple[float, float]:
    """Run a command; give its seconds and the most memory it had, in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=folder, env=environment(), stdout=subprocess.DEVNULL
    )
    watched, peak = psutil.Process(process.pid), 0.0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    if process.wait() != expected:
        sys.exit(f"{arguments} ended with {process.returncode}, not {expected}")
    return seconds, peak


def break_some(source: Path) -> set[int]:
    """Spoil one line in a hundred, each in one of several ways; give their numbers."""
    lines = source.read_bytes().splitlines(keepends=True)
    chosen = set(random.Random(1).sample(range(len(lines)), BROKEN))
    for index in chosen:
        line = lines[index]
        lines[index] = (
            line[: len(line) // 2] + b"\n",
            line.replace(b'"email":"', b'"email":"@'),
            line.replace(b'"name":', b'"nome":'),
            b"[1, 2]\n",
            line.replace(b'"bio":"', b'"bio":"\xff'),
        )[index % 5]
    source.write_bytes(b"".join(lines))
    return {index + 1 for index in chosen}


def check(report: Report, folder: Path, source: Path, broken: set[int]) -> None:
    """Compare what was refused and what is listed with what was in the file."""
    rejects = source.with_name(source.name + ".rejects.ndjson").read_text(encoding="utf-8")
    refused = {json.loads(line)["line"] for line in rejects.splitlines()}
    report.equal("broken lines in the rejects file", len(refused & broken), BROKEN)
    report.equal("good lines in the rejects file", len(refused - broken), 0)
    lines = source.read_bytes().splitlines()
    good = {json.loads(line)["id"] for n, line in enumerate(lines, 1) if n not in broken}
    with Server(folder, LOG_LEVEL="warning") as server:
        listed, others, seconds = walk(server)
    report.equal("good ones listed, while another writes", len(good & listed.keys()), len(good))
    report.equal("listed twice", sum(1 for times in listed.values() if times > 1), 0)
    report.equal("listed, but never there", len(listed.keys() - good - others), 0)
    report.figure("list by cursor", len(listed) / seconds, "profiles/s")


def walk(server: Server) -> tuple[dict[str, int], set[str], float]:
    """List all by cursor, while a writer adds and removes; give how often each came."""
    listed: dict[str, int] = {}
    others: set[str] = set()
    stop = threading.Event()
    writer = threading.Thread(target=write, args=(server, others, stop))
    writer.start()
    began = time.perf_counter()
    with server.client() as client:
        path: str | None = f"{PROFILES}?limit=1000"
        while path:
            response = client.get(path).raise_for_status()
            for profile in response.json():
                listed[profile["id"]] = listed.get(profile["id"], 0) + 1
            path = response.links.get("next", {}).get("url")
    seconds = time.perf_counter() - began
    stop.set()
    writer.join()
    return listed, others, seconds


def write(server: Server, others: set[str], stop: threading.Event) -> None:
    """Add profiles and remove every second one of them."""
    with server.client() as client:
        while not stop.is_set():
            number = len(others)
            body = {"name": f"Other {number}", "email": f"other-{number}@example.com"}
            made = client.post(PROFILES, json=body).raise_for_status()
            others.add(made.json()["id"])
            if number % 2:
                client.delete(made.headers["location"]).raise_for_status()


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPError as error:
        sys.exit(f"the service failed: {error!r}")
