"""The operations that take an Idempotency-Key, and what makes two of their answers the same."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.support.http import PROFILES, created, path_of, person
from tests.support.pictures import encoded, scene
from tests.support.uploads import MULTIPART, form, images_of, part

KEY: Final = "Idempotency-Key"
SAID: Final = ("location", "etag", "x-consistency-token", "content-type")
PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Ask:
    """A request, as a client sends it again and again."""

    path: str
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def options(self, key: str) -> dict[str, Any]:
        return {"content": self.content, "headers": [*self.headers, (KEY, key)]}

    def send(self, client: httpx.Client, key: str) -> httpx.Response:
        return client.post(self.path, **self.options(key))

    async def persist(self, client: httpx.AsyncClient, key: str) -> httpx.Response:
        """Send it until it is done; what is under way elsewhere is waited for."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await client.post(self.path, **self.options(key))
                if answer.status_code != 409:
                    return answer
                assert answer.json()["code"] == "still_running"
                assert answer.headers["retry-after"] == "1"
                await asyncio.sleep(0.05)


def as_json(path: str, body: Any) -> Ask:
    request = httpx.Request("POST", "http://x", json=body)
    return Ask(path, request.read(), (("Content-Type", "application/json"),))


def creation(client: httpx.Client) -> Ask:
    return as_json(PROFILES, person())


def batch(client: httpx.Client) -> Ask:
    """Of which some is refused."""
    one, other = created(client), created(client)
    body = {
        "create": [person(), person(email=one["email"]), person(email="x")],
        "update": [
            {"id": one["id"], "bio": "new"},
            {"id": other["id"], "version": 7, "bio": "stale"},
        ],
        "delete": [other["id"], other["id"], "01890000-0000-7000-8000-000000000000"],
    }
    return as_json(f"{PROFILES}/batch", body)


def upload(client: httpx.Client) -> Ask:
    content = form(part(encoded(scene(61, 40))))
    return Ask(images_of(created(client)), content, tuple(MULTIPART.items()))


def restoration(client: httpx.Client) -> Ask:
    profile = created(client)
    assert client.delete(path_of(profile)).status_code == 204
    return Ask(f"{path_of(profile)}/restore")


def submission(client: httpx.Client) -> Ask:
    return as_json("/api/v1/tasks/delayed", {"type": "echo", "payload": {"n": 1}, "priority": 3})


ALL: Final[Sequence[Callable[[httpx.Client], Ask]]] = (
    *(creation, batch, upload, restoration, submission),
)


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """All that has to be the same, to the byte."""
    headers = tuple(answer.headers.get(name) for name in SAID)
    return answer.status_code, answer.content, headers


def replayed(answer: httpx.Response) -> bool:
    return "true" in answer.headers.get_list("idempotency-replayed")


def effects(client: httpx.Client) -> tuple[int, int]:
    """How many entries the log has, and how many tasks there are."""
    events = 0
    for profile in client.get(PROFILES, params={"limit": 1_000}).json():
        events += len(client.get(f"{path_of(profile)}/events").json())
    return events, len(client.get("/api/v1/tasks", params={"limit": 100}).json())
