"""The page and its files, as the service gives them."""

import gzip
import re

import httpx
import pytest

from profilecore.entrypoints.http.web_client import BUILT, content_policy
from tests.support.browser import Visitor
from tests.support.http import problem

ASSETS = sorted(path.name for path in (BUILT / "assets").iterdir())
FIRST_VIEW_MAX = 70 * 1024  # bytes, gzipped: script and style


def test_the_page(api: httpx.Client) -> None:
    """Never kept without asking, and allowed what comes from here alone."""
    response = api.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    parts = response.headers["content-security-policy"].split(";")
    policy = dict(part.strip().split(" ", 1) for part in parts)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="/assets/([^"]+)"', response.text)
    text = response.text.replace(' xmlns="http://www.w3.org/2000/svg"', "")  # a name, no address
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|https?://", text)


def test_the_page_is_known(api: httpx.Client) -> None:
    tag = api.get("/").headers["etag"]
    again = api.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api.get("/", headers={"If-None-Match": '"another"'}).status_code == 200
    head = api.head("/")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


@pytest.mark.parametrize("name", ASSETS)
def test_files_are_for_ever(api: httpx.Client, name: str) -> None:
    """Their names hold what is in them."""
    response = api.get(f"/assets/{name}")
    assert response.status_code == 200
    assert response.content == (BUILT / "assets" / name).read_bytes()
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = api.get(f"/assets/{name}", headers={"If-None-Match": response.headers["etag"]})
    assert known.status_code == 304


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("", None),
    ],
)
def test_packed_for_those_who_take_it(
    api: httpx.Client, accepted: str, encoding: str | None
) -> None:
    """Each form has a tag of its own, and caches are told what it depends on."""
    name = max(ASSETS, key=lambda name: (BUILT / "assets" / name).stat().st_size)
    with api.stream("GET", f"/assets/{name}", headers={"Accept-Encoding": accepted}) as response:
        sent = b"".join(response.iter_raw())
    content = (BUILT / "assets" / name).read_bytes()
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["etag"].endswith('-gzip"') == (encoding is not None)
    assert len(sent) == int(response.headers["content-length"])
    assert (gzip.decompress(sent) if encoding else sent) == content
    assert encoding is None or len(sent) < len(content) / 2


PATHS = ["/assets/nothing.js", "/assets/", "/assets/..%2findex.html", "/index.html", "/profiles"]


@pytest.mark.parametrize("path", PATHS)
def test_no_other_path_is_a_page(api: httpx.Client, path: str) -> None:
    """What is unknown stays a problem document: views are told apart after the #."""
    problem(api.get(path), 404, "not_found")


def test_one_spelling(api: httpx.Client) -> None:
    spelt = ASSETS[0].replace("i", "%69", 1)
    assert spelt != ASSETS[0]
    problem(api.get(f"/assets/{spelt}"), 404, "not_found")


def test_images_from_elsewhere() -> None:
    """Where images are served by another host, that host is allowed, for images alone."""
    policy = content_policy("https://cdn.example.com/pictures")
    assert "img-src 'self' blob: data: https://cdn.example.com;" in policy
    assert policy.count("cdn.example.com") == 1
    assert "https:" not in content_policy("/media")


def test_the_first_view_is_small() -> None:
    files = [path for path in (BUILT / "assets").iterdir() if path.suffix in {".js", ".css"}]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    assert size <= FIRST_VIEW_MAX, f"{size:,} bytes"


def test_the_first_view_asks_for_little(visitor: Visitor) -> None:
    """Whatever else it asked for would be waited for before anything is shown."""
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.resource_type))
    visitor.open()
    visitor.page.get_by_role("heading", name="There are no profiles yet").wait_for()
    assert sorted(asked[:4]) == ["document", "fetch", "script", "stylesheet"]
    assert "image" not in asked
