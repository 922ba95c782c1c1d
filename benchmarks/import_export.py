"""100,000 profiles: seeded, exported, imported with broken lines among them, and listed.

Limits: 5,000 rows/s, 150 MB, every broken line in the rejects, no good one missing, and each
profile listed exactly once while a writer adds and removes others.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._measuring import folder, measured, table, verdict
from tests.support.http import PROFILES, created, path_of, walked
from tests.support.processes import Server

COUNT = 100_000
BROKEN = COUNT // 100
ROWS_PER_SECOND = 5_000
PEAK_MB = 150

Break = Callable[[dict[str, Any]], bytes]


def _with(**values: Any) -> Break:
    return lambda row: json.dumps(row | values).encode()


def _without(field: str) -> Break:
    return lambda row: json.dumps({k: v for k, v in row.items() if k != field}).encode()


BREAKS: list[Break] = [
    lambda row: json.dumps(row).encode()[:-10],
    lambda row: json.dumps(row).encode().replace(b'"name"', b'"\xff\xfe"'),
    lambda _: b"[1, 2, 3]",
    lambda _: b"not json at all",
    lambda _: b'{"a":' * 2_000,
    _without("name"),
    _without("email"),
    _with(name=""),
    _with(name="x" * 256),
    _with(name=17),
    _with(email="nobody"),
    _with(bio="\0"),
    _with(image_urls=["javascript:alert(1)"]),
    _with(colour="green"),
    _with(created_at="yesterday"),
    _with(version=0),
    _with(id="17"),
]


def broken_among(source: Path, target: Path) -> set[int]:
    """Write all lines and broken ones between them; give the numbers of the broken ones."""
    chance = random.Random(1)
    before = set(chance.sample(range(COUNT), BROKEN))
    numbers: set[int] = set()
    written = 0
    with source.open("rb") as reader, target.open("wb") as writer:
        for index, line in enumerate(reader):
            if index in before:
                written += 1
                numbers.add(written)
                row = json.loads(line) | {"email": f"broken{index}@example.com"}
                row = {k: v for k, v in row.items() if k != "id"}
                writer.write(BREAKS[index % len(BREAKS)](row) + b"\n")
            written += 1
            writer.write(line)
    return numbers


def listed(store: Path, expected: set[str]) -> tuple[list[str], float, int]:
    """Walk through all pages while a writer adds and removes; say what was wrong."""
    over = threading.Event()
    changes = 0

    def come_and_go(server: Server) -> None:
        nonlocal changes
        with server.client() as client:
            while not over.is_set():
                client.delete(path_of(created(client, name="Comes and goes")))
                changes += 2

    wrong = []
    settings = {"DATA_DIR": str(store / "data"), "LOG_LEVEL": "warning"}
    with Server(store, **settings) as server, server.client() as client:
        writer = threading.Thread(target=come_and_go, args=(server,))
        writer.start()
        began = time.perf_counter()
        seen: dict[str, int] = {}
        for page in walked(client, limit=1_000):
            for profile in page:
                seen[profile["id"]] = seen.get(profile["id"], 0) + 1
        took = time.perf_counter() - began
        over.set()
        writer.join()
    twice = [profile_id for profile_id, times in seen.items() if times != 1]
    missing = expected - seen.keys()
    if twice:
        wrong.append(f"{len(twice)} profiles were listed more than once")
    if missing:
        wrong.append(f"{len(missing)} profiles were not listed")
    if not changes:
        wrong.append("nothing came or went during the walk")
    return wrong, took, changes


def main() -> int:
    missed = []
    rows = []
    with folder() as root:
        first, second = root / "first", root / "second"
        first.mkdir()
        second.mkdir()
        seeded = measured(first, "seed", "--count", str(COUNT), "--random-seed", "1")
        exported = measured(first, "export", "all.ndjson")
        numbers = broken_among(first / "all.ndjson", second / "broken.ndjson")
        imported = measured(second, "import", "broken.ndjson")
        again = measured(second, "import", "broken.ndjson")
        back = measured(second, "export", "all.ndjson")
        for name, run, count, code in (
            ("seed", seeded, COUNT, 0),
            ("export", exported, COUNT, 0),
            ("import", imported, COUNT + BROKEN, 1),
            ("import again", again, COUNT + BROKEN, 1),
            ("export", back, COUNT, 0),
        ):
            speed = count / run.seconds
            rows.append((name, f"{run.seconds:.2f}", f"{speed:,.0f}", f"{run.peak:.0f}"))
            if run.code != code:
                missed.append(f"{name} ended with {run.code}: {run.output[-500:]}")
            if run.peak > PEAK_MB:
                missed.append(f"{name} took {run.peak:.0f} MB, and {PEAK_MB} are the limit")
            if name == "import" and speed < ROWS_PER_SECOND:
                missed.append(f"{speed:,.0f} rows/s, and {ROWS_PER_SECOND:,} are the least")
        with (second / "broken.ndjson.rejects.ndjson").open("rb") as stream:
            rejected = [json.loads(line) for line in stream]
        if {line["line"] for line in rejected} != numbers or len(rejected) != BROKEN:
            missed.append(f"{len(rejected)} lines in the rejects, and {BROKEN} were broken")
        if (first / "all.ndjson").read_bytes() != (second / "all.ndjson").read_bytes():
            missed.append("what was imported is not what was exported")
        with (first / "all.ndjson").open("rb") as stream:
            expected = {json.loads(line)["id"] for line in stream}
        if len(expected) != COUNT:
            missed.append(f"{len(expected):,} profiles were exported")
        wrong, took, changes = listed(second, expected)
        missed += wrong
        rows.append(("list by cursor", f"{took:.2f}", f"{COUNT / took:,.0f}", "-"))
    table(("what", "seconds", "rows/s", "peak MB"), rows)
    print(f"{COUNT:,} profiles, {BROKEN:,} broken lines, {changes:,} changes during the walk")
    print(f"through {PROFILES}; each command's time includes the start of the interpreter")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
