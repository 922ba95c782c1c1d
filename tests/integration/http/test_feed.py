"""The live feed, and what following the log does for the cache."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from profilecore.ending import Ending
from profilecore.errors import NotFound, Unavailable
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Page, Query
from profilecore.profile import Profile
from tests.support.http import PROFILES, person
from tests.support.inside import WAIT_MAX, Call, inside, with_policy
from tests.support.sse import Message
from tests.support.tasks import SUBMIT

FEED = "/api/v1/events"


async def message(call: Call) -> Message:
    """One chunk that holds one message."""
    return Message.parse((await call.chunk()).decode().strip("\n").split("\n"))


async def test_heartbeat(tmp_path: Path) -> None:
    """GET /events: a heartbeat comment while there is nothing to say, and no event in it."""
    async with inside(tmp_path, change=with_policy(heartbeat=0.05)) as app:
        call = Call(app.app, "GET", FEED)
        await call.start()
        assert (await message(call)).id == "0-0"
        for _ in range(3):
            assert await message(call) == Message(comment="still here")
        await app.client.post(PROFILES, json=person())
        while (found := await message(call)).event is None:
            pass
        assert found.body["type"] == "profile.created"
        call.hang_up()
        await call.end()


async def test_heartbeat_is_every_15_seconds(tmp_path: Path) -> None:
    """GET /events: a heartbeat comment every 15 s."""
    async with inside(tmp_path) as app:
        assert app.parts.policy.heartbeat == 15.0


async def test_a_follower_leaves_nothing_behind(tmp_path: Path) -> None:
    """GET /events: a client that hangs up, or the end of the process, ends all that ran for it."""
    async with inside(tmp_path, change=with_policy(heartbeat=0.05)) as app:
        before = asyncio.all_tasks()
        leaving, staying = [Call(app.app, "GET", FEED) for _ in range(2)]
        for call in (leaving, staying):
            await call.start()
            await message(call)
            await message(call)
        leaving.hang_up()
        await leaving.end()
        app.parts.lifecycle.drain()
        last = b"first"
        while last:
            last = await staying.chunk()
        await staying.end()
        assert leaving.task.exception() is staying.task.exception() is None
        await staying.nothing_left(before)


async def test_the_feed_ends_at_the_drain(tmp_path: Path) -> None:
    """GET /events ends as soon as the process begins to stop, not at the next heartbeat."""
    async with inside(tmp_path) as app:
        call = Call(app.app, "GET", FEED)
        await call.start()
        await message(call)
        app.parts.lifecycle.drain()
        assert await call.chunk() == b""
        await call.end()


async def test_the_feed_ends_where_the_log_lost_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /events: whoever comes back with the position is told that it is gone."""

    async def read(after: int, limit: int) -> Sequence[Event]:
        raise NotFound(f"The log does not go on from {after}, {limit}.", code="position_gone")

    async with inside(tmp_path) as app:
        call = Call(app.app, "GET", FEED)
        await call.start()
        await message(call)
        monkeypatch.setattr(app.parts.feed, "read", read)
        await app.client.post(PROFILES, json=person())
        assert await call.chunk() == b""
        await call.end()
        assert call.task.exception() is None
        again = await app.client.get(FEED, headers={"Last-Event-ID": "1"})
        assert again.status_code == 410


async def test_a_long_log_comes_in_parts(tmp_path: Path) -> None:
    """GET /events ?after=0: all of a long log, in order, each event once."""
    async with inside(tmp_path) as app:
        body = {"create": [person() for _ in range(350)]}
        await app.client.post(f"{PROFILES}/batch", json=body)
        call = Call(app.app, "GET", f"{FEED}?after=0")
        await call.start()
        text = (await call.chunk()).decode()
        while text.count("event: ") < 350:
            text += (await call.chunk()).decode()
        ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
        assert ids == [f"{position}-0" for position in range(351)]
        call.hang_up()
        await call.end()


async def gone(after: int, limit: int) -> Sequence[Ending]:
    raise NotFound(f"The ends of tasks do not go on from {after}, {limit}.", code="position_gone")


async def test_the_feed_ends_where_the_ends_of_tasks_do_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /events: as where the log does not, and at the next heartbeat at the latest."""
    async with inside(tmp_path, change=with_policy(heartbeat=0.05)) as app:
        call = Call(app.app, "GET", FEED)
        await call.start()
        assert (await message(call)).id == "0-0"
        monkeypatch.setattr(app.parts.endings, "read", gone)
        last = b"first"
        async with asyncio.timeout(WAIT_MAX):
            while last:
                last = await call.chunk()
        await call.end()
        assert call.task.exception() is None
        again = await app.client.get(FEED, headers={"Last-Event-ID": "0-1"})
        assert again.status_code == 410


async def test_what_comes_between_two_reads_is_told_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /events: a change that is committed, and then an end, while a follower reads."""
    async with inside(tmp_path) as app:
        read = app.parts.feed.read
        waiting = True

        async def slow(after: int, limit: int) -> Sequence[Event]:
            nonlocal waiting
            found = await read(after, limit)
            if waiting:
                waiting = False
                await app.client.post(PROFILES, json=person())
                await app.client.post(SUBMIT, json={"type": "echo", "delay": 0})
                await app.parts.task_feed.wait(0, WAIT_MAX)
            return found

        monkeypatch.setattr(app.parts.feed, "read", slow)
        call = Call(app.app, "GET", FEED)
        await call.start()
        assert (await message(call)).id == "0-0"
        text = ""
        while text.count("event: ") < 2:
            text += (await call.chunk()).decode()
        ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
        assert ids == ["1-0", "1-1"]
        call.hang_up()
        await call.end()


async def test_an_end_is_told_however_much_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /events: where each look finds more changes, so that a follower never waits."""
    async with inside(tmp_path) as app:
        read = app.parts.feed.read

        async def busy(after: int, limit: int) -> Sequence[Event]:
            await app.client.post(PROFILES, json=person())
            return await read(after, 1)

        monkeypatch.setattr(app.parts.feed, "read", busy)
        call = Call(app.app, "GET", FEED)
        await call.start()
        for _ in range(10):
            assert b"task." not in await call.chunk()
        await app.client.post(SUBMIT, json={"type": "echo", "delay": 0})
        async with asyncio.timeout(WAIT_MAX):
            while b"task.succeeded" not in await call.chunk():
                pass
        monkeypatch.undo()
        call.hang_up()
        await call.end()


async def test_an_end_is_told_to_whoever_never_catches_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /events: after the changes that were there before it, not after all that come since."""
    async with inside(tmp_path) as app:
        body = {"create": [person() for _ in range(250)]}
        await app.client.post(f"{PROFILES}/batch", json=body)
        await app.client.post(SUBMIT, json={"type": "echo", "delay": 0})
        await app.parts.task_feed.wait(0, WAIT_MAX)
        read = app.parts.feed.read

        async def full(after: int, limit: int) -> Sequence[Event]:
            more = {"create": [person() for _ in range(limit)]}
            await app.client.post(f"{PROFILES}/batch", json=more)
            return await read(after, limit)

        monkeypatch.setattr(app.parts.feed, "read", full)
        call = Call(app.app, "GET", f"{FEED}?after=0-0")
        await call.start()
        text = ""
        async with asyncio.timeout(WAIT_MAX):
            while "task.succeeded" not in text:
                text += (await call.chunk()).decode()
        before = text.partition("event: task.succeeded")[0]
        assert 250 <= before.count("event: profile.created") <= 500
        monkeypatch.undo()
        call.hang_up()
        await call.end()


async def test_many_ends_come_in_parts_after_what_was_before_them(tmp_path: Path) -> None:
    """GET /events ?after=0-0: each once, and none before the changes that were there before it."""
    async with inside(tmp_path) as app:
        for _ in range(3):
            body = {"create": [person() for _ in range(120)]}
            await app.client.post(f"{PROFILES}/batch", json=body)
            for _ in range(80):
                await app.client.post(SUBMIT, json={"type": "echo", "delay": 0})
        await app.parts.task_feed.wait(239, WAIT_MAX)
        call = Call(app.app, "GET", f"{FEED}?after=0-0")
        await call.start()
        text = (await call.chunk()).decode()
        while text.count("event: ") < 600:
            text += (await call.chunk()).decode()
        ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
        assert ids == [
            *(f"{position}-0" for position in range(361)),
            *(f"360-{position}" for position in range(1, 241)),
        ]
        call.hang_up()
        await call.end()


def elsewhere(profile: Profile, bio: str) -> Change:
    """What another process would write."""
    revised = profile.revised({"bio": bio}, at=datetime.now(UTC))
    return Change(EventType.UPDATED, revised, profile.version)


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC)


async def test_the_log_repairs_the_cache(tmp_path: Path, at: datetime) -> None:
    """What another process writes reaches this one's cache by the log alone."""
    async with inside(tmp_path) as app:
        profile = Profile(
            id=new_id(), name="A", email="a@example.com", created_at=at, updated_at=at
        )
        await app.parts.profiles.write([Change(EventType.CREATED, profile, 0)], atomic=True)
        await app.parts.feed.wait(0, WAIT_MAX)  # or it drops the copy that is read now
        path = f"{PROFILES}/{profile.id}"
        assert (await app.client.get(path)).json()["source"] == "database"
        assert (await app.client.get(path)).json()["source"] == "cache"
        await app.parts.profiles.write([elsewhere(profile, "new")], atomic=True)
        await app.parts.feed.wait(1, WAIT_MAX)
        found = (await app.client.get(path)).json()
        assert (found["profile"]["bio"], found["source"]) == ("new", "database")


async def test_a_token_goes_past_a_cache_that_is_behind(tmp_path: Path, at: datetime) -> None:
    """X-Consistency-Token: where the log was not read that far, the store is asked."""
    async with inside(tmp_path) as app:
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "feed"]
        task.cancel()
        profile = Profile(
            id=new_id(), name="A", email="a@example.com", created_at=at, updated_at=at
        )
        await app.parts.profiles.write([Change(EventType.CREATED, profile, 0)], atomic=True)
        path = f"{PROFILES}/{profile.id}"
        await app.client.get(path)
        outcomes: Sequence[object] = await app.parts.profiles.write(
            [elsewhere(profile, "new")], atomic=True
        )
        (event,) = outcomes
        assert isinstance(event, Event)
        old = (await app.client.get(path)).json()
        assert (old["profile"]["bio"], old["source"]) == ("", "cache"), "within its second"
        token = {"X-Consistency-Token": f"p{event.position}"}
        new = (await app.client.get(path, headers=token)).json()
        assert (new["profile"]["bio"], new["source"]) == ("new", "database")
        await app.parts.feed.advance()
        again = (await app.client.get(path, headers=token)).json()
        assert (again["profile"]["bio"], again["source"]) == ("new", "cache")


async def test_a_token_is_heeded_by_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """X-Consistency-Token: a replica that does not have that position must not answer."""
    seen: list[int] = []

    async def page(query: Query, *, seen: int, told: list[int] = seen) -> Page:
        told.append(seen)
        return Page(())

    async with inside(tmp_path) as app:
        monkeypatch.setattr(app.parts.service, "list", page)
        await app.client.get(PROFILES)
        await app.client.get(PROFILES, headers={"X-Consistency-Token": "p17"})
        refused = await app.client.get(PROFILES, headers={"X-Consistency-Token": "17"})
    assert seen == [0, 17]
    assert refused.status_code == 400


async def test_a_log_that_fails_under_a_follower(tmp_path: Path) -> None:
    """GET /events: where the log cannot be read any more the stream breaks, and is not complete."""
    async with inside(tmp_path) as app:
        call = Call(app.app, "GET", FEED)
        await call.start()
        await message(call)

        async def fail(after: int, limit: int) -> Sequence[Event]:
            raise Unavailable("The disk failed.")

        app.parts.feed.read = fail  # type: ignore[method-assign]
        await app.client.post(PROFILES, json=person())
        await call.end()
        assert call.task.exception() is not None


async def test_a_new_follower_of_a_log_that_fails(tmp_path: Path) -> None:
    """GET /events: where the log cannot be read the answer is a 503, and not a stream."""
    async with inside(tmp_path) as app:

        async def fail(after: int, limit: int) -> Sequence[Event]:
            raise Unavailable("The disk failed.")

        app.parts.feed.read = fail  # type: ignore[method-assign]
        response = await app.client.get(f"{FEED}?after=0")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
