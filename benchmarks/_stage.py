"""The servers of one run, and how each kind of work is asked of them."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks._limits import Limits
from benchmarks._measuring import folder
from benchmarks._peers import Peer, Servers, servers
from benchmarks._wrk import Closed, getting, posting, wrk
from tests.support.http import PROFILES

ROUNDS: Final = 5
SECONDS: Final = 3
CONNECTIONS: Final = 32


class Work(NamedTuple):
    """One kind of request to one of the servers."""

    name: str
    peer: str
    kind: str


READ_REDIS: Final = Work("read, Redis", "redis", "read")
READ_EMBEDDED: Final = Work("read, embedded", "embedded", "read")
CREATE: Final = Work("create", "redis", "create")
LIST: Final = Work("list of 100", "redis", "list")
WORKS: Final = (
    Work("constant", "constant", "nothing"),
    READ_REDIS,
    READ_EMBEDDED,
    Work("read, PostgreSQL alone", "database", "read"),
    CREATE,
    LIST,
    Work("plain: read", "plain", "read"),
    Work("plain: create", "plain", "create"),
    Work("plain: list of 100", "plain", "list"),
)


class Stage:
    """The servers, and the scripts that ask them."""

    def __init__(self, root: Path, there: Servers) -> None:
        self.root = root
        self.peers = there.peers
        self.limits: Limits = there.limits
        self._turn = 0

    def ask(self, work: Work, connections: int = CONNECTIONS, seconds: int = SECONDS) -> Closed:
        return self.ask_of(self.peers[work.peer], work, connections, seconds)

    def ask_of(
        self, peer: Peer, work: Work, connections: int = CONNECTIONS, seconds: int = SECONDS
    ) -> Closed:
        """Ask another server than that of the work."""
        self._turn += 1
        return wrk(
            peer.port,
            self._script(work, peer),
            process=peer.process,
            connections=connections,
            seconds=seconds,
            headers=peer.headers,
        )

    def limit(self, name: str, seconds: int = SECONDS) -> Closed:
        return self.limits.ask(name, CONNECTIONS, seconds, self.root)

    def _script(self, work: Work, peer: Peer) -> Path:
        script = self.root / "script.lua"
        base = "/profiles" if work.peer == "plain" else PROFILES
        if work.kind == "create":
            return posting(script, base, f"r{self._turn}")
        paths = {
            "nothing": ["/"],
            "list": [f"{base}?limit=100"],
            "read": [f"{base}/{profile_id}" for profile_id in peer.ids],
        }
        return getting(script, paths[work.kind])


@contextmanager
def staged() -> Iterator[Stage]:
    with folder() as root, servers(root) as there:
        root.chmod(0o755)
        yield Stage(root, there)


def median(found: Sequence[Closed], what: Callable[[Closed], float]) -> float:
    return statistics.median(map(what, found))


def middle(figures: Sequence[float], form: str) -> str:
    """The median, and from where to where they went."""
    low, mid, high = min(figures), statistics.median(figures), max(figures)
    return f"{mid:{form}} ({low:{form}} to {high:{form}})"
