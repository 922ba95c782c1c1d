"""A real Varnish in front of the real service: it keeps images, nothing else, and forgets them."""

import time
from collections.abc import Iterator

import httpx
import pytest

from profilecore.testing.blobs import image
from tests.integration.cdn.conftest import Images
from tests.support.http import PROFILES, created, path_of, person, problem
from tests.support.pictures import encoded, scene
from tests.support.processes import Server
from tests.support.uploads import assert_whole, files_of, gone, uploaded
from tests.support.varnish import VarnishProcess

GONE_MAX = 2.0
TASK_MAX = 20.0


@pytest.fixture(scope="module")
def varnish(
    server: Server, ahead: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VarnishProcess]:
    folder = tmp_path_factory.mktemp("varnish")
    with VarnishProcess(folder, server.port, port=ahead) as varnish:
        yield varnish


@pytest.fixture
def client(varnish: VarnishProcess) -> Iterator[httpx.Client]:
    """Whoever comes from outside."""
    with httpx.Client(base_url=varnish.url, timeout=30, trust_env=False) as client:
        yield client


def fetched(client: httpx.Client, path: str, **headers: str) -> str:
    """Where a file came from."""
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.text) == (200, path)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return str(answer.headers["x-cache"])


def purged(client: httpx.Client, number: int) -> dict[str, object]:
    """Run the task that purges an image, and wait for its end."""
    order = {"type": "images.purge", "payload": {"image_id": image(number)}}
    task = client.post("/api/v1/tasks/delayed", json=order)
    assert task.status_code == 202, task.text
    path, deadline = task.headers["location"], time.monotonic() + TASK_MAX
    while (found := client.get(path, params={"wait": 5}).json())["status"] != "succeeded":
        assert time.monotonic() < deadline, found
    assert isinstance(found, dict)
    return found


def test_the_second_fetch_is_a_hit(client: httpx.Client, images: Images) -> None:
    for path in images.put(1):
        assert fetched(client, path) == "MISS"
        assert fetched(client, path) == "HIT"
        assert client.head(path).headers["x-cache"] == "HIT"


def test_an_erased_image_is_gone_within_two_seconds(client: httpx.Client, images: Images) -> None:
    paths = images.put(2)
    others = images.put(3)
    for path in (*paths, *others):
        fetched(client, path)
        assert fetched(client, path) == "HIT"
    images.delete(2)
    assert all(fetched(client, path) == "HIT" for path in paths), "the cache does not know"
    began = time.monotonic()
    task = purged(client, 2)
    for path in paths:
        problem(client.get(path), 404, "not_found")
    assert time.monotonic() - began < GONE_MAX
    assert task["result"] == {"purged": len(paths)}
    assert all(fetched(client, path) == "HIT" for path in others)


def test_an_image_that_is_deleted_is_gone_within_two_seconds(client: httpx.Client) -> None:
    """From the upload through the cache to the end: nobody runs a task by hand."""
    profile, other = created(client), created(client)
    kept = uploaded(client, other, encoded(scene(90, 40)))
    image = uploaded(client, profile, encoded(scene(70, 40)))
    urls = [*files_of(image), *files_of(kept)]
    for expected in ("MISS", "HIT"):
        assert {client.get(url).headers["x-cache"] for url in urls} == {expected}
    began = time.monotonic()
    deleted = client.delete(f"{path_of(profile)}/images/{image['id']}")
    assert deleted.status_code == 204
    gone(client, image)
    assert time.monotonic() - began < GONE_MAX
    for url in files_of(kept):
        assert client.get(url).headers["x-cache"] == "HIT"
    again = uploaded(client, profile, encoded(scene(70, 40)))
    assert_whole(client, again)


def test_the_name_that_is_asked_for_makes_no_copy(client: httpx.Client, images: Images) -> None:
    """Nor does anything else that a client sends: a purge would leave it."""
    path, *_ = images.put(4)
    fetched(client, path, Host="pictures.example.com")
    for headers in (
        {"Host": "other.example.com"},
        {"Cookie": "a=b"},
        {"Authorization": "Bearer x"},
        {"Accept": "image/avif"},
        {"Accept-Encoding": "gzip"},
        {"X-Cache": "mine"},
    ):
        assert fetched(client, path, **headers) == "HIT", headers
    images.delete(4)
    purged(client, 4)
    for headers in ({"Host": "pictures.example.com"}, {"Host": "other.example.com"}):
        problem(client.get(path, headers=headers), 404, "not_found")


@pytest.mark.parametrize("suffix", ["?x=1", "?", "/"])
def test_another_spelling_makes_no_copy(client: httpx.Client, images: Images, suffix: str) -> None:
    path, *_ = images.put(5)
    for other in (f"{path}{suffix}", path.replace("/media/", "/media//"), f"/{path}"):
        for _ in range(2):
            assert client.get(other).status_code in (400, 404), other


def test_what_is_not_there_is_asked_for_again(client: httpx.Client, images: Images) -> None:
    path = images.put(6)[0]
    images.delete(6)
    for _ in range(3):
        answer = client.get(path)
        problem(answer, 404, "not_found")
        assert answer.headers["cache-control"] == "no-store"
    images.put(6)
    assert fetched(client, path) == "MISS"
    assert fetched(client, path) == "HIT"


def test_parts_and_conditions_are_answered_from_the_cache(
    client: httpx.Client, images: Images
) -> None:
    path = images.put(7)[0]
    part = client.get(path, headers={"Range": "bytes=1-5"})
    assert (part.status_code, part.text) == (206, "media")
    assert part.headers["content-range"] == f"bytes 1-5/{len(path)}"
    assert fetched(client, path) == "HIT", "all of it was fetched for the part"
    tag = client.get(path).headers["etag"]
    known = client.get(path, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["x-cache"] == "HIT"
    assert client.get(path, headers={"Range": "bytes=9999-"}).status_code == 416


def test_nothing_else_is_kept(client: httpx.Client) -> None:
    """Every method and every path still works through it, and each answer is a new one."""
    profile = created(client)
    path = path_of(profile)
    first, second = client.get(path), client.get(path)
    assert first.json()["profile"] == second.json()["profile"] == profile
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-cache"] in ("hit", "miss"), "the service's own"
    changed = client.patch(
        path, json={"bio": "new"}, headers={"Content-Type": "application/merge-patch+json"}
    )
    assert changed.status_code == 200
    assert client.get(path).json()["profile"]["bio"] == "new"
    assert client.delete(path).status_code == 204
    problem(client.get(path), 404, "not_found")
    assert client.post(PROFILES, json=person()).status_code == 201
    for name in ("age", "via", "x-varnish"):
        assert name not in first.headers or first.headers[name] == "0"


def test_a_purge_needs_to_come_from_where_it_may(
    server: Server, images: Images, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("strict")
    with (
        VarnishProcess(folder, server.port, purgers="192.0.2.1") as strict,
        httpx.Client(base_url=strict.url, trust_env=False) as client,
    ):
        path = images.put(8)[0]
        fetched(client, path)
        assert client.request("PURGE", path).status_code == 405
        assert fetched(client, path) == "HIT"
