"""Server-sent events, read as a browser reads them (WHATWG HTML, section 9.2)."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

FEED = "/api/v1/events"


@dataclass(frozen=True)
class Message:
    """One block of the stream; a comment has its text, and no event."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    comment: str | None = None
    retry: str | None = None

    @classmethod
    def parse(cls, lines: list[str]) -> "Message":
        values: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon, f"a line without a colon: {line!r}"
            name = name or "comment"
            assert name not in values, f"{name} twice in one message"
            values[name] = value.removeprefix(" ")
        return cls(**values)

    @property
    def body(self) -> dict[str, Any]:
        """The event as JSON has it."""
        body: dict[str, Any] = json.loads(self.data or "null")
        assert body["type"] == self.event
        if "position" in body:
            assert str(body["position"]) == (self.id or "").partition("-")[0]
        return body


def _blocks(lines: Iterator[str]) -> Iterator[Message]:
    block: list[str] = []
    for line in lines:
        if line:
            block.append(line)
        elif block:
            yield Message.parse(block)
            block = []


@contextmanager
def following(
    client: httpx.Client, *, last_event_id: str | None = None, **params: str
) -> Iterator[Iterator[Message]]:
    """Open the feed; give its messages, the opening one with the position included."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with client.stream("GET", FEED, headers=headers, params=params) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _blocks(response.iter_lines())


async def _async_blocks(response: httpx.Response) -> AsyncIterator[Message]:
    block: list[str] = []
    async for line in response.aiter_lines():
        if line:
            block.append(line)
        elif block:
            yield Message.parse(block)
            block = []


@asynccontextmanager
async def following_async(
    client: httpx.AsyncClient, **params: str
) -> AsyncIterator[AsyncIterator[Message]]:
    """The same for many at once."""
    async with client.stream("GET", FEED, params=params) as response:
        assert response.status_code == 200, await response.aread()
        yield _async_blocks(response)


def told(messages: Iterator[Message], number: int, of: str) -> list[Message]:
    """The next so many messages of profiles or of tasks."""
    found: list[Message] = []
    for message in messages:
        if (message.event or "").startswith(of):
            found.append(message)
        if len(found) == number:
            return found
    raise AssertionError(f"the stream ended after {len(found)} of {number} of {of}")


def events(messages: Iterator[Message], number: int) -> list[dict[str, Any]]:
    """The next so many events of profiles, without comments and the opening."""
    return [message.body for message in told(messages, number, "profile.")]


def endings(messages: Iterator[Message], number: int) -> list[dict[str, Any]]:
    """The next so many ends of tasks."""
    return [message.body for message in told(messages, number, "task.")]
