"""GET /events: the live feed of all changes, and how a client comes back to it."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.processes import Server, serving
from tests.support.sse import FEED, events, following, following_async


def position_of(client: httpx.Client) -> str:
    """Where the log ends: the place of an event that has just been made."""
    (event,) = client.get(f"{path_of(created(client))}/events").json()
    return str(event["position"])


def test_a_live_event_after_each_write(api: httpx.Client, server: Server) -> None:
    """GET /events (text/event-stream): profile.created / .updated / .deleted / .restored."""
    with server.client() as reader, following(reader) as messages:
        opening = next(messages)
        assert (opening.event, opening.data, opening.retry) == (None, None, "2000")
        profile = created(api, name="Zoë \U0001f600", bio="line\nend")
        assert messages_of(messages, 1) == [("profile.created", 1)]
        api.put(path_of(profile), json={"bio": "second"})
        assert messages_of(messages, 1) == [("profile.updated", 2)]
        api.delete(path_of(profile))
        api.post(f"{path_of(profile)}/restore")
        assert messages_of(messages, 2) == [("profile.deleted", 3), ("profile.restored", 4)]


def messages_of(messages: Iterator[Any], number: int) -> list[tuple[str, int]]:
    return [(event["type"], event["version"]) for event in events(messages, number)]


def test_an_event_is_what_the_history_shows(api: httpx.Client) -> None:
    """GET /events: each data line is one event as JSON, the same as in the history."""
    after = position_of(api)
    profile = created(api, name="Zoë \U0001f600", bio="line\nend")
    with following(api, after=after) as messages:
        (event,) = events(messages, 1)
    assert [event] == api.get(f"{path_of(profile)}/events").json()


def test_headers_of_the_feed(api: httpx.Client) -> None:
    """GET /events: nobody on the way may keep or collect it."""
    with api.stream("GET", FEED) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-request-id"]


def test_from_the_start(api: httpx.Client, server: Server) -> None:
    """GET /events ?after=0: from the start, every event there is, in order."""
    created(api)
    end = int(position_of(api))
    with following(api, after="0") as messages:
        opening = next(messages)
        found = events(messages, end)
    assert (opening.id or "").startswith("0-")
    assert [event["position"] for event in found] == list(range(1, end + 1))


@pytest.mark.parametrize("cuts", [1, 2, 5])
def test_resuming_loses_nothing_and_doubles_nothing(
    api: httpx.Client, server: Server, cuts: int
) -> None:
    """GET /events, Last-Event-ID: a client that loses the line goes on right after it."""
    last = position_of(api)
    writes = 40
    writer = threading.Thread(target=lambda: [created(api) for _ in range(writes)])
    writer.start()
    seen: list[int] = []
    with server.client() as reader:
        while len(seen) < writes:
            with following(reader, last_event_id=last) as messages:
                for event in events(messages, min(writes // (cuts + 1), writes - len(seen))):
                    seen.append(event["position"])
                    last = str(event["position"])
    writer.join()
    assert seen == list(range(seen[0], seen[0] + writes))
    assert len(seen) == writes


def test_last_event_id_is_stronger_than_after(api: httpx.Client) -> None:
    """GET /events: a browser that reconnects sends Last-Event-ID to the address it began with."""
    created(api)
    last = position_of(api)
    profile = created(api)
    with following(api, last_event_id=last, after="0") as messages:
        (event,) = events(messages, 1)
    assert event["profile_id"] == profile["id"]


def test_a_position_beyond_the_end(api: httpx.Client) -> None:
    """GET /events: 410 where the position is not in the log: another log's, or too old."""
    beyond = str(int(position_of(api)) + 1)
    problem(api.get(FEED, params={"after": beyond}), 410, "position_gone")
    problem(api.get(FEED, headers={"Last-Event-ID": beyond}), 410, "position_gone")
    problem(api.get(FEED, params={"after": "9" * 18}), 410, "position_gone")


def test_last_event_id_that_is_none(api: httpx.Client) -> None:
    """GET /events: a Last-Event-ID that is no position is a 400."""
    problem(api.get(FEED, headers={"Last-Event-ID": "x"}), 400, "malformed")


def test_many_followers(server: Server) -> None:
    """GET /events: many at once get every event, in order; they hold up nobody."""
    followers, writes = 100, 20

    async def follow(client: httpx.AsyncClient, ready: asyncio.Semaphore) -> list[int]:
        seen: list[int] = []
        async with following_async(client) as messages:
            await anext(messages)
            ready.release()
            async for message in messages:
                if message.event:
                    seen.append(message.body["position"])
                if len(seen) == writes:
                    return seen
        raise AssertionError("the stream ended")

    async def scenario() -> list[list[int]]:
        limits = httpx.Limits(max_connections=None)
        ready = asyncio.Semaphore(0)
        async with server.async_client(limits=limits) as client, asyncio.TaskGroup() as group:
            tasks = [group.create_task(follow(client, ready)) for _ in range(followers)]
            for _ in range(followers):
                await ready.acquire()
            for _ in range(writes):
                response = await client.post(PROFILES, json=person())
                assert response.status_code == 201
        return [task.result() for task in tasks]

    seen = asyncio.run(scenario())
    assert len(seen) == followers
    first = seen[0]
    assert first == list(range(first[0], first[0] + writes))
    assert all(each == first for each in seen)


def test_the_feed_ends_when_the_process_stops(server: Server, tmp_path_factory: Any) -> None:
    """GET /events ends promptly at shutdown: as a stream that is complete, not one that breaks."""
    with serving(tmp_path_factory.mktemp("ends"), SHUTDOWN_TIMEOUT="30s") as (stopping, client):
        profile = created(client)
        with following(client, after="0") as messages:
            next(messages)
            (event,) = events(messages, 1)
            assert event["profile_id"] == profile["id"]
            stopping.signal()
            assert list(messages) == []
        assert stopping.wait(10) == 0
