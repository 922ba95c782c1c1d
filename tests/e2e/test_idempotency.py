"""Idempotency-Key: sent again, a request has one effect and gets the first answer."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from uuid import uuid4

import httpx
import pytest

from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.once import ALL, KEY, Ask, as_json, creation, effects, replayed, said, upload
from tests.support.pictures import encoded, scene
from tests.support.processes import Server, run
from tests.support.tasks import path_of_task, reached
from tests.support.uploads import MULTIPART, form, images, images_of, part

MANY = 50
every = pytest.mark.parametrize("made", ALL, ids=lambda made: made.__name__)


def a_key() -> str:
    return f'"{uuid4()}"'


@every
async def test_many_at_once_have_one_effect(
    server: Server, api: httpx.Client, made: Callable[[httpx.Client], Ask]
) -> None:
    ask, key = made(api), a_key()
    before = effects(api)
    async with server.async_client() as client:
        answers = await asyncio.gather(*(ask.persist(client, key) for _ in range(MANY)))
    assert len({said(answer) for answer in answers}) == 1, {a.text for a in answers}
    assert answers[0].is_success
    assert [replayed(answer) for answer in answers].count(False) == 1
    once = effects(api)
    assert once != before
    other = made(api)
    started = effects(api)
    assert other.send(api, a_key()).is_success
    after = effects(api)
    assert [b - a for a, b in zip(started, after, strict=True)] == [
        b - a for a, b in zip(before, once, strict=True)
    ], "as much as one has"


def test_the_first_answer_is_given_whatever_was_written_since(api: httpx.Client) -> None:
    ask, key = creation(api), a_key()
    first = ask.send(api, key)
    profile = first.json()
    assert not replayed(first)
    assert (first.status_code, first.headers["location"]) == (201, path_of(profile))
    api.put(path_of(profile), json={"name": "Changed", "email": f"{uuid4().hex}@example.com"})
    for _ in ("changed", "deleted"):
        again = ask.send(api, key)
        assert said(again) == said(first)
        assert replayed(again)
        api.delete(path_of(profile))


def test_pictures_are_told_as_they_were(api: httpx.Client) -> None:
    ask, key = upload(api), a_key()
    first = ask.send(api, key)
    image = first.json()
    assert said(ask.send(api, key)) == said(first)
    profile = {"id": ask.path.split("/")[-2]}
    assert images(api, profile) == [image]
    api.delete(f"{images_of(profile)}/{image['id']}")
    assert said(ask.send(api, key)) == said(first)
    assert images(api, profile) == [], "it is not added again"
    api.delete(path_of(profile))
    assert said(ask.send(api, key)) == said(first)
    picture, restored = Ask(f"{path_of(profile)}/restore"), a_key()
    back = picture.send(api, restored)
    assert said(picture.send(api, restored)) == said(back)


def test_what_was_restored_is_told_with_its_pictures(api: httpx.Client) -> None:
    profile = created(api)
    content = form(part(encoded(scene(62, 40))))
    image = api.post(images_of(profile), content=content, headers=MULTIPART).json()
    api.delete(path_of(profile))
    ask, key = Ask(f"{path_of(profile)}/restore"), a_key()
    first = ask.send(api, key)
    assert first.json()["images"] == [image]
    api.delete(f"{images_of(profile)}/{image['id']}")
    assert said(ask.send(api, key)) == said(first)


def test_a_task_is_told_as_it_was_taken(api: httpx.Client) -> None:
    body = {"type": "echo", "payload": {"ü": [1, 2.5]}, "delay": "1s", "unique_key": uuid4().hex}
    ask, key = as_json("/api/v1/tasks/delayed", body), a_key()
    first = ask.send(api, key)
    task = first.json()
    assert first.headers["location"] == path_of_task(task)
    reached(api, task, "succeeded")
    again = ask.send(api, key)
    assert said(again) == said(first)
    assert again.json()["status"] == "scheduled"


@every
def test_another_request_with_the_key_is_refused(
    api: httpx.Client, made: Callable[[httpx.Client], Ask]
) -> None:
    ask, other, key = made(api), made(api), a_key()
    if made is upload:
        other = Ask(ask.path, form(part(encoded(scene(63, 40)))), ask.headers)
    elif other == ask:
        other = Ask(ask.path, ask.content.replace(b'"n":1', b'"n":2'), ask.headers)
    assert ask.send(api, key).is_success
    before = effects(api)
    document = problem(other.send(api, key), 422, "key_reused")
    assert KEY in document["detail"]
    assert effects(api) == before
    assert replayed(ask.send(api, key))


def test_the_query_is_part_of_the_request(api: httpx.Client) -> None:
    body, key = {"create": [person()]}, a_key()
    assert as_json(f"{PROFILES}/batch", body).send(api, key).is_success
    refused = as_json(f"{PROFILES}/batch?atomic=true", body).send(api, key)
    problem(refused, 422, "key_reused")


def test_a_key_is_of_one_route(api: httpx.Client) -> None:
    key = a_key()
    for made in ALL:
        answer = made(api).send(api, key)
        assert answer.is_success
        assert not replayed(answer)


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256, "a\tb"])
def test_a_key_that_is_malformed_is_refused(api: httpx.Client, key: str) -> None:
    before = effects(api)
    headers = [(KEY.encode(), key.encode())]
    answer = api.post(PROFILES, json=person(), headers=headers)
    assert "255 visible characters" in problem(answer, 400, "malformed")["detail"]
    twice = api.post(PROFILES, json=person(), headers=[(KEY, "a"), (KEY, "a")])
    problem(twice, 400, "malformed")
    assert effects(api) == before


@pytest.mark.parametrize("key", ["!", "~" * 255])
def test_a_key_may_be_any_visible_text(api: httpx.Client, key: str) -> None:
    ask = creation(api)
    assert said(ask.send(api, key)) == said(ask.send(api, key))


def test_what_was_refused_may_be_asked_for_again(api: httpx.Client) -> None:
    holder, key = created(api), a_key()
    ask = as_json(PROFILES, person(email=holder["email"]))
    for _ in range(2):
        problem(ask.send(api, key), 409, "email_taken")
    api.delete(path_of(holder))
    first = ask.send(api, key)
    assert (first.status_code, replayed(first)) == (201, False)
    assert replayed(ask.send(api, key))


def test_one_that_is_under_way_is_not_waited_for(server: Server, api: httpx.Client) -> None:
    ask, key = creation(api), a_key()
    with (
        closing(sqlite3.connect(server.database, timeout=10, isolation_level=None)) as other,
        ThreadPoolExecutor() as threads,
    ):
        other.execute("BEGIN IMMEDIATE")  # whichever comes first has to wait for this
        asked = [threads.submit(ask.send, api, key) for _ in range(2)]
        over, left = wait(asked, timeout=4, return_when=FIRST_COMPLETED)
        other.execute("ROLLBACK")
        (refused,), (first,) = over, left
        problem(refused.result(), 409, "still_running")
        assert refused.result().headers["retry-after"] == "1"
        assert first.result().status_code == 201
    assert said(ask.send(api, key)) == said(first.result())


def test_of_somebody_who_was_erased_nothing_is_told(server: Server, api: httpx.Client) -> None:
    marker = uuid4().hex
    ask = as_json(PROFILES, person(name=marker, email=f"{marker}@example.com", bio=marker))
    profile = ask.send(api, marker[:8]).json()
    task = {"type": "profile.erase", "payload": {"profile_id": profile["id"]}}
    reached(api, as_json("/api/v1/tasks/delayed", task).send(api, a_key()).json(), "succeeded")
    gone = problem(ask.send(api, marker[:8]), 410, "answer_gone")
    assert "has been removed since" in gone["detail"]
    problem(api.get(path_of(profile)), 404, "not_found")
    with closing(sqlite3.connect(server.database)) as connection:
        rows = connection.execute("SELECT * FROM receipts").fetchall()
    assert rows
    assert marker not in repr(rows)


def test_it_ends_with_its_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("short")
    with Server(folder, IDEMPOTENCY_KEPT="1s") as server, server.client() as client:
        ask, key = as_json(PROFILES, person()), a_key()
        first = ask.send(client, key)
        profile = first.json()
        client.delete(path_of(profile))
        while replayed(answer := ask.send(client, key)):
            assert said(answer) == said(first)
        assert answer.status_code == 201
        assert answer.json()["id"] != profile["id"]
        with closing(sqlite3.connect(server.database)) as connection:
            count = "SELECT count(*) FROM receipts"
            assert connection.execute(count).fetchone() == (1,)
            connection.execute("UPDATE receipts SET until = 0")
            connection.commit()
            assert "1 receipts of requests removed\n" in run(folder, "gc").stdout
            assert connection.execute(count).fetchone() == (0,)
