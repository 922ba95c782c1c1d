"""HTTP servers side by side: the same reads and the same constant through each, and how they end.

Each has our service, embedded, as an application of one process, and the route of Litestar that
returns a constant; `serve` is beside them, uvicorn with a protocol of ours. wrk asks one after the
other in each of some rounds, and what is compared are ratios to uvicorn as it comes. Then each gets
SIGTERM while a client holds back the rest of its body, with three seconds for a drain and without a
bound: told is when it ended, and whether the store was closed in order.
"""

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks._measuring import folder
from benchmarks._peers import READ, Peer, until_it_answers
from benchmarks._report import PAGES, Found, Table, packages
from benchmarks._stage import CONNECTIONS, ROUNDS, SECONDS, middle
from benchmarks._wrk import Closed, getting, wrk
from tests.support.callers import token
from tests.support.forking import COMMAND
from tests.support.http import PROFILES, created
from tests.support.ports import free_port
from tests.support.processes import environment

THERE: Final = 1_000
DRAIN: Final = 3
HELD_MAX: Final = 15.0  # seconds after which a server that has not ended is said to be held
UVICORN: Final = ("-m", "uvicorn", "--log-level", "warning", "--no-access-log")
GRANIAN: Final = ("-m", "granian", "--interface", "asgi", "--no-log", "--http", "1", "--no-ws")
FIRST: Final = "uvicorn: uvloop, httptools"
WAYS: Final[Mapping[str, Sequence[str]]] = {
    FIRST: (*UVICORN, "--loop", "uvloop", "--http", "httptools"),
    "uvicorn: asyncio, h11": (*UVICORN, "--loop", "asyncio", "--http", "h11"),
    "granian: uvloop": (*GRANIAN, "--loop", "uvloop", "--runtime-mode", "st"),
    "granian: uvloop, threads": (
        *GRANIAN,
        "--loop",
        "uvloop",
        "--runtime-mode",
        "mt",
    ),
    "granian: uvloop, tasks in Rust": (*GRANIAN, "--loop", "uvloop", "--task-impl", "rust"),
    "granian: asyncio": (*GRANIAN, "--loop", "asyncio", "--runtime-mode", "st"),
}
OURS: Final = "serve"
BOUNDS: Final = {
    "uvicorn": ("--timeout-graceful-shutdown", str(DRAIN)),
    "granian": ("--workers-kill-timeout", str(DRAIN)),
}
GIVEN: Final = {
    "AUTH_MODE": "token",
    "DATABASE": "sqlite",
    "BLOBS_URL": "memory:",
    "TASK_CONCURRENCY": "0",
    "LOG_FORMAT": "json",
    "REQUESTS_MAX": "600",
    "CACHE_MEMORY_MAX": str(2 * THERE),
    "BODY_TIMEOUT": "600s",  # it is the server that is looked at
}


@contextmanager
def running(
    words: Sequence[str | Path], place: Path, **variables: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server and its port, which it is told by `--port` or SERVER_PORT."""
    port = free_port()
    told = () if words[0] == COMMAND else ("--port", str(port))
    with (
        (place / "log.txt").open("ab") as log,
        subprocess.Popen(
            [*words, *told],
            cwd=place,
            env=environment(**variables, SERVER_PORT=str(port), PYTHONPATH=str(PAGES.parents[1])),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            until_it_answers(port)
            yield port, process
        finally:
            if process.poll() is None:
                parent = psutil.Process(process.pid)
                for each in (*parent.children(recursive=True), parent):
                    each.kill()


def command(way: str, module: str, *more: str) -> list[str]:
    if way == OURS:
        return [COMMAND, "serve"]
    return [sys.executable, *WAYS[way], *more, f"benchmarks.peers.{module}:app"]


@contextmanager
def filled(way: str, place: Path) -> Iterator[Peer]:
    """Our service by one of the servers, with profiles that are in its memory."""
    place.mkdir()
    headers = {"Authorization": f"Bearer {token(place, READ, **GIVEN)}"}
    with running(command(way, "service"), place, **GIVEN) as (port, process):
        where = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=where, headers=headers, trust_env=False) as client:
            ids = tuple(created(client, bio="x" * 200)["id"] for _ in range(THERE))
            for profile_id in ids:
                client.get(f"{PROFILES}/{profile_id}").raise_for_status()
        yield Peer(port, process.pid, headers, ids)


def throughput(root: Path) -> Found:
    """Ratios within each round, and CPU of all its processes for one request."""
    with ExitStack() as stack:
        there: dict[tuple[str, str], Peer] = {}
        for number, way in enumerate((*WAYS, OURS)):
            there[way, "read"] = stack.enter_context(filled(way, root / f"{number}"))
            if way != OURS:
                words = command(way, "constant")
                port, process = stack.enter_context(running(words, root / f"{number}"))
                there[way, "constant"] = Peer(port, process.pid)
        seen: dict[tuple[str, str], list[Closed]] = {each: [] for each in there}
        for round_ in range(ROUNDS + 1):
            for each, peer in there.items():
                paths = [f"{PROFILES}/{profile_id}" for profile_id in peer.ids] or ["/"]
                closed = wrk(
                    peer.port,
                    getting(root / "script.lua", paths),
                    process=peer.process,
                    connections=CONNECTIONS,
                    seconds=SECONDS if round_ else 1,
                    headers=peer.headers,
                )
                if round_:  # in the first one much is new
                    seen[each].append(closed)
    rows = []
    for (way, kind), rounds in seen.items():
        pairs = zip(rounds, seen[FIRST, kind], strict=True)
        ratios = [one.per_second / other.per_second for one, other in pairs]
        rows.append(
            (
                f"{kind}, {way}",
                f"{statistics.median(one.per_second for one in rounds):,.0f}",
                middle(ratios, ".2f"),
                f"{statistics.median(one.p99 for one in rounds):.1f}",
                f"{statistics.median(one.cpu for one in rounds):.0f}",
            )
        )
    rows.sort(key=lambda row: row[0].partition(",")[0])
    head = ("what, by which server", "requests/s", "ratio", "p99 ms", "CPU µs")
    return Found([Table(head, rows)])


def drain(root: Path) -> Found:
    """What becomes of SIGTERM while a client holds back its body."""
    rows = []
    for number, way in enumerate((FIRST, "granian: uvloop", OURS)):
        for bounded in (True, False):
            if way == OURS and not bounded:
                continue  # there is always a bound
            more = BOUNDS[way.partition(":")[0]] if bounded and way != OURS else ()
            place = root / f"drain{number}{bounded}"
            place.mkdir()
            took, is_closed = _ended(way, place, more)
            ended = f"{took:.1f} s" if took < HELD_MAX else f"not within {HELD_MAX:.0f} s"
            bound = f"{DRAIN} s" if bounded else "none"
            rows.append((way, bound, ended, "yes" if is_closed else "no"))
    head = ("SIGTERM while a body is held back", "bound", "ended after", "store closed")
    return Found([Table(head, rows)])


def _ended(way: str, place: Path, more: Sequence[str]) -> tuple[float, bool]:
    """Seconds until it ended, and whether its store was closed: SQLite's log is gone then."""
    given = {**GIVEN, "AUTH_MODE": "none", "SHUTDOWN_TIMEOUT": f"{DRAIN}s"}
    words = command(way, "service", *more)
    with (
        running(words, place, **given, SERVER_HOST="127.0.0.1") as (port, process),
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as other:
            created(other)
        head = f"POST {PROFILES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        time.sleep(0.5)
        process.terminate()
        began = time.perf_counter()
        try:
            process.wait(HELD_MAX)
        except subprocess.TimeoutExpired:
            return HELD_MAX, False
        took = time.perf_counter() - began
    return took, not list(place.glob("data/*-wal"))


def main() -> int:
    parts = {"servers": throughput, "drain": drain}
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    with folder() as root:
        for name in asked or parts:
            found = parts[name](root)
            found.show()
            if "--write" in sys.argv:
                versions = packages("uvicorn", "granian", "uvloop", "httptools", "h11", "litestar")
                found.write(PAGES / "speed.md", name, versions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
