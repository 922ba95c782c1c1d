"""Clients as they are: some read, some write, some have work done later, and a few upload."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

PROFILES: Final = "/api/v1/profiles"
TASKS: Final = "/api/v1/tasks/delayed"
CLIENTS: Final = 8
PAUSE: Final = 0.04  # seconds between two requests of a client: some 100 requests a second in all
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was not answered as it should be, and when."""

    at: float
    method: str
    path: str
    what: str


@dataclass
class Load:
    """What was asked for, what became of it, and what was acknowledged."""

    client: httpx.AsyncClient
    picture: Callable[[], bytes]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    """The last version of each profile that was acknowledged."""
    emails: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    seen: int = 0

    async def run(self, ended: asyncio.Event) -> None:
        """Ask until it is said to be the end."""
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._one(random.Random(number), ended))

    async def _one(self, chance: random.Random, ended: asyncio.Event) -> None:
        mine: list[str] = [await self._create()]
        acts: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (50, lambda: self._read(chance.choice(mine))),
            (10, self._list),
            (10, lambda: self._create_into(mine)),
            (10, lambda: self._put(chance.choice(mine))),
            (5, lambda: self._patch(chance.choice(mine))),
            (12, self._submit),
            (1, lambda: self._upload(mine[0])),
            (2, lambda: self._delete(mine)),
        ]
        weights = [weight for weight, _ in acts]
        while not ended.is_set():
            ((_, act),) = chance.choices(acts, weights)
            await act()
            await asyncio.sleep(PAUSE)

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """One answer; None for none, or for one that says that the service is at fault."""
        try:
            response = await self.client.request(method, path, **options)
        except httpx.TransportError as error:
            self.failures.append(Failure(time.monotonic(), method, path, repr(error)))
            return None
        self.answers[method, response.status_code] += 1
        if response.status_code >= 500:
            self.failures.append(Failure(time.monotonic(), method, path, response.text))
            return None
        return response

    async def _repeat(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask until there is an answer, by the same key: it has one effect, however often."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        for _ in range(TRIES):
            response = await self._ask(method, path, headers=headers, **options)
            # A request by this key that is still under way is one of a process that was killed.
            if response is not None and not _is_under_way(response):
                return response
            await asyncio.sleep(0.5)
        raise AssertionError(f"{method} {path} was not answered, {TRIES} times in a row")

    async def _create(self) -> str:
        email = f"{uuid4().hex}@example.com"
        body = {"name": "Ada Lovelace", "email": email}
        response = await self._repeat("POST", PROFILES, json=body)
        assert response.status_code == 201, response.text
        profile = response.json()
        self.versions[profile["id"]] = profile["version"]
        self.emails[profile["id"]] = email
        return str(profile["id"])

    async def _create_into(self, mine: list[str]) -> None:
        mine.append(await self._create())

    async def _read(self, name: str) -> None:
        least = self.versions[name]
        response = await self._ask("GET", f"{PROFILES}/{name}")
        if response is not None:
            assert response.status_code == 200, response.text
            # A second is what a copy elsewhere may be old for; here each client waits for nobody.
            self.seen += response.json()["profile"]["version"] >= least

    async def _list(self) -> None:
        response = await self._ask("GET", PROFILES, params={"limit": 20})
        assert response is None or response.status_code == 200, response.text

    async def _put(self, name: str) -> None:
        response = await self._repeat("PUT", f"{PROFILES}/{name}", json={"bio": uuid4().hex})
        assert response.status_code == 200, response.text
        self.versions[name] = max(self.versions[name], response.json()["version"])

    async def _patch(self, name: str) -> None:
        response = await self._repeat("PATCH", f"{PROFILES}/{name}", json={"bio": uuid4().hex})
        assert response.status_code == 200, response.text
        self.versions[name] = max(self.versions[name], response.json()["version"])

    async def _submit(self) -> None:
        body = {"type": "echo", "payload": {"n": uuid4().hex}, "delay": random.choice([0, 1, 3])}
        response = await self._repeat("POST", TASKS, json=body)
        assert response.status_code == 202, response.text
        self.tasks.add(response.json()["id"])

    async def _upload(self, name: str) -> None:
        files = {"image": ("picture.png", self.picture(), "image/png")}
        response = await self._repeat("POST", f"{PROFILES}/{name}/images", files=files)
        assert response.status_code == 201, response.text

    async def _delete(self, mine: list[str]) -> None:
        if len(mine) < 3:
            return
        name = mine.pop()
        response = await self._repeat("DELETE", f"{PROFILES}/{name}")
        # Where the first one was killed after its commit, a second one finds nothing.
        assert response.status_code in {204, 404}, response.text
        self.deleted.add(name)


def _is_under_way(response: httpx.Response) -> bool:
    return response.status_code == 409 and response.json()["code"] == "still_running"


@asynccontextmanager
async def under_load(load: Load) -> AsyncIterator[Load]:
    """The load, for as long as the block goes on."""
    ended = asyncio.Event()
    task = asyncio.create_task(load.run(ended))
    try:
        yield load
    finally:
        ended.set()
        await task
