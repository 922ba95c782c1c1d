"""GET /profiles/{id}/avatar: the newest image, or initials where there is none."""

import io
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image

from tests.support.http import PROFILES, assert_no_leak, created, fields_at_fault, path_of, problem
from tests.support.pictures import encoded, scene
from tests.support.uploads import images_of, uploaded

JPEG_ONLY = "image/jpeg,image/png,*/*;q=0.5"


def test_initials_where_there_is_no_image(api: httpx.Client) -> None:
    profile = created(api, name="Ada <script>&\"' Lovelace")
    answer = api.get(f"{path_of(profile)}/avatar")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"] == "Accept"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own
    assert [part.text for part in root] == [profile["name"], None, "AL"]
    assert b"<script>" not in answer.content
    tag = answer.headers["etag"]
    for header in (tag, f'"x", {tag}', f"W/{tag}"):
        known = api.get(f"{path_of(profile)}/avatar", headers={"If-None-Match": header})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == tag
        assert known.headers["cache-control"] == "public, max-age=60"
    other = api.get(f"{path_of(profile)}/avatar", headers={"If-None-Match": '"x"'})
    assert other.content == answer.content


def test_another_name_is_another_placeholder(api: httpx.Client) -> None:
    profile = created(api, name="Ada")
    tag = api.get(f"{path_of(profile)}/avatar").headers["etag"]
    api.put(path_of(profile), json={"name": "Bob"})
    changed = api.get(f"{path_of(profile)}/avatar", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_the_newest_image(api: httpx.Client) -> None:
    profile = created(api)
    path = f"{path_of(profile)}/avatar"
    first = uploaded(api, profile, encoded(scene()))
    newest = uploaded(api, profile, encoded(scene(80, 40)))
    answer = api.get(path)
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["location"] == newest["variants"]["thumb"]["url"]
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"] == "Accept"
    shown = api.get(path, follow_redirects=True)
    assert Image.open(io.BytesIO(shown.content)).format == "WEBP"
    api.delete(f"{images_of(profile)}/{newest['id']}")
    assert api.get(path).headers["location"] == first["variants"]["thumb"]["url"]
    api.delete(f"{images_of(profile)}/{first['id']}")
    assert api.get(path).status_code == 200


@pytest.mark.parametrize("size", ["thumb", "medium", "large"])
@pytest.mark.parametrize(
    ("accept", "end"),
    [
        (JPEG_ONLY, ".jpg"),
        ("image/jpeg", ".jpg"),
        ("image/avif,image/webp,image/jpeg", ".webp"),
        ("image/webp", ".webp"),
        ("*/*", ".webp"),
        ("", ".webp"),
        ("text/html", ".webp"),
    ],
)
def test_each_size_as_it_is_accepted(api: httpx.Client, size: str, accept: str, end: str) -> None:
    profile = created(api)
    image = uploaded(api, profile, encoded(scene()))
    path = f"{path_of(profile)}/avatar"
    answer = api.get(path, params={"size": size}, headers={"Accept": accept})
    assert answer.status_code == 302
    assert answer.headers["location"].endswith(f"{image['id']}/{size}{end}")


@pytest.mark.parametrize("size", ["huge", "", "THUMB", "96", "../large", "thumb.webp", "\0"])
def test_a_size_that_there_is_not(api: httpx.Client, size: str) -> None:
    answer = api.get(f"{path_of(created(api))}/avatar", params={"size": size})
    assert fields_at_fault(problem(answer, 400, "malformed")) == ["size"]
    assert_no_leak(answer.text)


def test_of_nobody(api: httpx.Client) -> None:
    path = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000/avatar"
    problem(api.get(path), 404, "not_found")
    gone = created(api)
    api.delete(path_of(gone))
    problem(api.get(f"{path_of(gone)}/avatar"), 404, "not_found")
    problem(api.get(f"{path_of(created(api))}/avatar", params={"x": "1"}), 400, "malformed")


def test_head_is_get_without_a_body(api: httpx.Client) -> None:
    path = f"{path_of(created(api))}/avatar"
    get, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert head.headers[name] == get.headers[name]
