"""GET /events: the ends of tasks, among the changes of profiles."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.support.http import TIME, created, path_of, problem
from tests.support.processes import Server
from tests.support.sse import FEED, endings, events, following, told
from tests.support.tasks import HANDLERS, SUBMIT, dead, path_of_task, reached, read, submitted


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), **HANDLERS) as server:
        yield server


def place_of(client: httpx.Client) -> str:
    """Where the feed ends."""
    with following(client) as messages:
        return next(messages).id or ""


def test_a_task_that_has_succeeded_is_told_of(api: httpx.Client, server: Server) -> None:
    """GET /events: task.succeeded, with what leads to the task."""
    with server.client() as reader, following(reader) as messages:
        next(messages)
        task = reached(api, submitted(api, payload={"secret": "word"}), "succeeded")
        (message,) = told(messages, 1, "task.")
    assert message.event == "task.succeeded"
    assert "word" not in (message.data or "")
    assert message.body == {
        "task_id": task["id"],
        "type": "task.succeeded",
        "task_type": "echo",
        "at": task["updated_at"],
    }
    assert TIME.fullmatch(message.body["at"])
    assert read(api, {"id": message.body["task_id"]}) == task


def test_a_dead_task_is_told_of_each_time(api: httpx.Client) -> None:
    """GET /events: task.dead, also after a retry; a cancelled task has no event."""
    place = place_of(api)
    waiting = submitted(api, delay="1h")
    assert api.delete(path_of_task(waiting)).status_code == 200
    task = dead(api)
    assert api.post(f"{path_of_task(task)}/retry").status_code == 200
    reached(api, task, "dead")
    with following(api, after=place) as messages:
        found = endings(messages, 2)
    assert [(ending["task_id"], ending["type"]) for ending in found] == [
        (task["id"], "task.dead")
    ] * 2


def test_what_a_task_changes_is_told_before_its_end(api: httpx.Client, server: Server) -> None:
    """GET /events: whoever hears of an erasure's end has heard of the deletion."""
    profiles = [created(api) for _ in range(5)]
    ends = {}
    with server.client() as reader, following(reader) as messages:
        next(messages)
        for profile in profiles:
            answer = api.post(f"{path_of(profile)}/erase")
            assert answer.status_code == 202
            ends[answer.json()["id"]] = profile["id"]
        deleted = set[str]()
        while ends:
            message = next(messages)
            if message.event == "profile.deleted":
                deleted.add(message.body["profile_id"])
            elif message.event == "task.succeeded" and message.body["task_id"] in ends:
                assert ends.pop(message.body["task_id"]) in deleted


def test_from_the_start(api: httpx.Client) -> None:
    """GET /events ?after=0-0: every end there is; ?after=0: every change, and ends from now on."""
    first = dead(api)
    profile = created(api)
    with following(api, after="0-0") as messages:
        assert next(messages).id == "0-0"
        ids = set()
        while first["id"] not in ids:
            ids |= {ending["task_id"] for ending in endings(messages, 1)}
    with following(api, after="0") as messages:
        assert (next(messages).id or "").startswith("0-")
        later = submitted(api)
        (ending,) = endings(messages, 1)
        assert ending["task_id"] == later["id"]
    with following(api, after="0") as messages:
        while events(messages, 1)[0]["profile_id"] != profile["id"]:
            pass


@pytest.mark.parametrize("cuts", [1, 4])
def test_resuming_loses_nothing_and_doubles_nothing(
    api: httpx.Client, server: Server, cuts: int
) -> None:
    """GET /events, Last-Event-ID: it has the place in both, whichever event came last."""
    last, number = place_of(api), 20
    profiles: list[str] = []
    tasks: list[str] = []

    def write() -> None:
        for _ in range(number):
            profiles.append(created(api)["id"])
            tasks.append(api.post(SUBMIT, json={"type": "echo", "delay": 0}).json()["id"])

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[str] = []
    with server.client() as reader:
        while len(seen) < 2 * number:
            left = 2 * number - len(seen)
            with following(reader, last_event_id=last) as messages:
                for _ in range(min(2 * number // (cuts + 1), left)):
                    message = next(m for m in messages if m.event)
                    seen.append(message.body.get("task_id") or message.body["profile_id"])
                    last = message.id or ""
    writer.join()
    assert [id_ for id_ in seen if id_ in profiles] == profiles
    assert sorted(id_ for id_ in seen if id_ in tasks) == sorted(tasks)
    assert len(seen) == 2 * number


def test_a_place_beyond_the_end(api: httpx.Client) -> None:
    """GET /events: 410 where either of the two is not known."""
    changes, _, ends = place_of(api).partition("-")
    problem(api.get(FEED, params={"after": f"{changes}-{int(ends) + 1}"}), 410, "position_gone")
    problem(api.get(FEED, params={"after": f"{int(changes) + 1}-{ends}"}), 410, "position_gone")
    problem(api.get(FEED, headers={"Last-Event-ID": f"0-{'9' * 18}"}), 410, "position_gone")


@pytest.mark.parametrize("place", ["1-", "-1", "1-x", "1-2-3", "1--2", "1 - 2", f"1-{'9' * 19}"])
def test_what_is_no_place(api: httpx.Client, place: str) -> None:
    """GET /events: a position that is none is a 400 that says what one looks like."""
    found = problem(api.get(FEED, headers={"Last-Event-ID": place}), 400, "malformed")
    assert "17-4" in str(found)
