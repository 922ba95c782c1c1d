"""Real servers in pairs, each with its own way to Redis."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.http import PROFILES
from tests.support.mortal import MORTAL
from tests.support.processes import Server
from tests.support.proxy import ThreadedProxy, proxied
from tests.support.redis import RedisProcess

OLD_MAX = 1.0
BACK_MAX = 5.0


class Way:
    """A server with its own proxy to Redis, which can be told to die after a commit."""

    def __init__(self, folder: Path, data: Path, proxy: ThreadedProxy, db: int) -> None:
        folder.mkdir(parents=True)
        self.proxy = proxy
        self._folder = folder
        self._settings = {
            "CACHE": "redis",
            "REDIS_ADDRESS": proxy.address,
            "REDIS_DB": str(db),
            "DATA_DIR": str(data),
            "LOG_LEVEL": "warning",
        }
        self.start()

    def start(self) -> None:
        self.server = Server(self._folder, program=MORTAL, **self._settings).__enter__()
        self.client = self.server.client(timeout=10.0)

    def kill(self) -> None:
        self.client.close()
        self.server.kill()

    def read(self, id_: str) -> httpx.Response:
        response = self.client.get(f"{PROFILES}/{id_}")
        assert response.status_code in {200, 404}, response.text
        return response

    def version(self, id_: str) -> int:
        """0 for a deleted profile."""
        response = self.read(id_)
        return int(response.json()["profile"]["version"]) if response.status_code == 200 else 0

    def newest(self, id_: str) -> int:
        """The version that the log has."""
        return int(self.client.get(f"{PROFILES}/{id_}/events").json()[0]["version"])

    def in_fallback(self) -> bool:
        return in_fallback(self.client)

    def until_back(self) -> None:
        until_back(self.client)


def in_fallback(client: httpx.Client) -> bool:
    component: dict[str, Any] = client.get("/health").json()["components"]["cache"]
    return bool(component["status"] == "degraded")


def until_back(client: httpx.Client) -> None:
    deadline = time.monotonic() + BACK_MAX
    while in_fallback(client):
        assert time.monotonic() < deadline, "Redis is there again, and is not in use"
        time.sleep(0.05)


@contextmanager
def two_ways(server: RedisProcess, folder: Path, db: int) -> Iterator[tuple[Way, Way]]:
    """Two servers on one SQLite file and one database of Redis."""
    with ExitStack() as stack:
        made = []
        for name in ("one", "other"):
            proxy = stack.enter_context(proxied(server.port))
            made.append(Way(folder / name, folder / "data", proxy, db))
            stack.callback(made[-1].kill)
        yield made[0], made[1]
