"""What is sent to caches, and what comes of their answers."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profilecore import Attempt, Context, Invalid, Unavailable
from profilecore.adapters.cdn import TYPE, purge, purging
from profilecore.adapters.cdn.purging import Purging
from profilecore.identifiers import new_id
from profilecore.image import FILES, key_of
from profilecore.testing.blobs import image
from tests.support.http import problem
from tests.support.ports import free_port
from tests.support.processes import serving
from tests.support.receiver import Receiver

KEYS = [key_of(image(1), file) for file in FILES]


@pytest.fixture
def cache() -> Iterator[Receiver]:
    with Receiver() as cache:
        yield cache


def at(cache: Receiver, behaviour: str) -> str:
    return f"http://127.0.0.1:{cache.port}/{behaviour}"


async def run(caches: list[str], base_url: str | None = None) -> Any:
    handler = purge(caches, base_url)
    payload = {"image_id": image(1)}
    handler.check(payload)
    return await handler.run(Context(Attempt(new_id(), 1, 5), TYPE), payload)


async def test_each_file_is_purged_from_each_cache(cache: Receiver) -> None:
    with Receiver() as other:
        assert await run([at(cache, "200"), at(other, "204")]) == {"purged": 2 * len(FILES)}
        for asked, behaviour in ((cache, "200"), (other, "204")):
            paths = sorted(call.path for call in asked.calls)
            assert paths == sorted(f"/{behaviour}/media/{key}" for key in KEYS)
            assert {call.headers["Host"] for call in asked.calls} == {f"127.0.0.1:{asked.port}"}
            assert {call.body for call in asked.calls} == {b""}


@pytest.mark.parametrize(
    ("base_url", "host", "path"),
    [
        ("https://cdn.example.com", "cdn.example.com", ""),
        ("https://cdn.example.com:8443/people", "cdn.example.com:8443", "/people"),
    ],
)
async def test_it_is_asked_for_as_those_ask_who_fetch_it(
    cache: Receiver, base_url: str, host: str, path: str
) -> None:
    await run([at(cache, "200")], base_url)
    assert {call.headers["Host"] for call in cache.calls} == {host}
    assert {call.path for call in cache.calls} == {f"/200{path}/{key}" for key in KEYS}


async def test_where_there_is_no_cache_there_is_nothing_to_do() -> None:
    assert await run([]) == {"purged": 0}


async def test_what_a_cache_does_not_have_is_purged(cache: Receiver) -> None:
    assert await run([at(cache, "404")]) == {"purged": len(FILES)}


@pytest.mark.parametrize("status", ["202", "301", "302", "400", "401", "403", "405", "429", "503"])
async def test_any_other_answer_is_no_purge(cache: Receiver, status: str) -> None:
    with pytest.raises(Unavailable, match=f"127.0.0.1:{cache.port} answered {status} to a PURGE"):
        await run([at(cache, status)])
    assert len(cache.calls) == len(FILES), "no redirect is followed"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("garbage", "did not answer in HTTP"), ("breaks", "did not answer in HTTP")],
)
async def test_what_is_no_answer(cache: Receiver, behaviour: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words) as raised:
        await run([at(cache, behaviour)])
    assert raised.value.__cause__ is not None


async def test_nobody_listens_and_the_others_are_told(cache: Receiver) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=f"{nobody.removeprefix('http://')} cannot be reached"):
        await run([nobody, at(cache, "200"), nobody])
    assert len(cache.calls) == len(FILES)


async def test_a_silent_cache_is_not_waited_for(
    cache: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "ANSWER_MAX", 0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer in time"):
        await run([at(cache, "slow")])
    assert time.monotonic() - began < 5


async def test_all_of_it_has_an_end(cache: Receiver) -> None:
    """However many there are, and however slow each is."""
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"have not purged within 0\.3 s"):
        await Purging([at(cache, "slow")] * 3, "/media", time_max=0.3).run(KEYS)
    assert time.monotonic() - began < 4


async def test_a_long_answer_is_not_read(cache: Receiver) -> None:
    assert await run([at(cache, "huge")]) == {"purged": len(FILES)}
    assert cache.sent < 1 << 28


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "image_id"),
        ({"image_id": None}, "image_id"),
        ({"image_id": 7}, "image_id"),
        ({"image_id": ""}, "image_id"),
        ({"image_id": image(1)[:-1]}, "image_id"),
        ({"image_id": image(1).upper()}, "image_id"),
        ({"image_id": image(1) + "\n"}, "image_id"),
        ({"image_id": "../" * 21 + "x"}, "image_id"),
        ({"image_id": image(1), "path": "/"}, "path"),
    ],
    ids=str,
)
def test_what_is_no_image_is_refused(payload: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        purge(["http://127.0.0.1"], None).check(payload)
    assert [error.field for error in refused.value.errors] == [field]


def test_a_cache_that_is_away_is_told_again_later(tmp_path: Path) -> None:
    """The task is not lost: it says what was wrong, and is tried again."""
    away = f"127.0.0.1:{free_port()}"
    with serving(tmp_path / "service", CDN_PURGE=f"http://{away}") as (_, client):
        order = {"type": TYPE, "payload": {"image_id": image(1)}}
        path = client.post("/api/v1/tasks/delayed", json=order).headers["location"]
        deadline = time.monotonic() + 20
        while not (task := client.get(path).json())["errors"]:
            assert time.monotonic() < deadline, task
            time.sleep(0.05)
        assert task["status"] in ("scheduled", "queued", "running")
        assert f"{away} cannot be reached" in str(task["errors"])


def test_what_is_no_image_is_refused_over_http(tmp_path: Path) -> None:
    with serving(tmp_path / "service") as (_, client):
        order = {"type": TYPE, "payload": {"image_id": "me"}}
        refused = problem(client.post("/api/v1/tasks/delayed", json=order), 422, "invalid")
        assert refused["errors"][0]["field"] == "payload.image_id"
