"""GET and HEAD of /media/…: pictures and nothing else, for a year, or not for a moment."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from profilecore.errors import Unavailable
from profilecore.image import FILES, Format
from profilecore.testing.blobs import hostile_keys, image, key
from tests.support.http import problem
from tests.support.inside import Call, Inside, inside, raising

DATA = bytes(range(256)) * 40
URL = f"/media/{key(1)}"
TAG = f'"{image(1)}-thumb.webp"'
OF_EVERY_FILE = {
    "etag": TAG,
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "accept-ranges": "bytes",
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Inside]:
    """In its folder are two images, and what is none."""
    async with inside(tmp_path) as app:
        for file in FILES:
            await app.parts.blobs.put(key(1, file), DATA)
        await app.parts.blobs.put(key(2), DATA)
        (tmp_path / "blobs" / "secret").write_text("secret")
        (tmp_path / "secret").write_text("secret")
        yield app


async def test_the_bytes_and_what_is_said_of_them(app: Inside) -> None:
    answer = await app.client.get(URL)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-length"] == str(len(DATA))
    for name, value in OF_EVERY_FILE.items():
        assert answer.headers.get_list(name) == [value]
    assert "content-range" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("file", FILES)
async def test_each_file_is_served_as_what_it_is(app: Inside, file: tuple[str, Format]) -> None:
    answer = await app.client.get(f"/media/{image(1)[:2]}/{image(1)}/{file[0]}.{file[1]}")
    assert answer.status_code == 200
    kind = "image/webp" if file[1] is Format.WEBP else "image/jpeg"
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "headers",
    [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=99999-"}, {"If-None-Match": TAG}],
    ids=str,
)
async def test_head_is_get_without_its_body(app: Inside, headers: dict[str, str]) -> None:
    get = await app.client.get(URL, headers=headers)
    head = await app.client.head(URL, headers=headers)
    assert head.status_code == get.status_code
    del get.headers["x-request-id"], head.headers["x-request-id"]
    assert head.headers == get.headers
    assert head.content == b""


async def test_two_files_have_two_tags(app: Inside) -> None:
    tags = {(await app.client.get(f"/media/{key(1, file)}")).headers["etag"] for file in FILES}
    tags.add((await app.client.get(f"/media/{key(2)}")).headers["etag"])
    assert len(tags) == len(FILES) + 1
    assert all(tag.startswith('"') for tag in tags), "strong"


# Conditions


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (TAG, 304),
        (f"W/{TAG}", 304),
        (f'"other", {TAG}', 304),
        ("*", 304),
        ('"other"', 200),
        (TAG.strip('"'), 200),
        (TAG.replace("thumb", "large"), 200),
        ("", 200),
    ],
)
async def test_if_none_match(app: Inside, header: str, status: int) -> None:
    answer = await app.client.get(URL, headers={"If-None-Match": header})
    assert answer.status_code == status
    assert answer.content == (DATA if status == 200 else b"")
    assert answer.headers["etag"] == TAG
    assert answer.headers["cache-control"] == OF_EVERY_FILE["cache-control"]


async def test_what_is_known_and_gone_is_gone(app: Inside) -> None:
    await app.parts.blobs.delete([key(1)])
    for condition in (TAG, "*"):
        answer = await app.client.get(URL, headers={"If-None-Match": condition})
        problem(answer, 404, "not_found")


# Parts


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, 10_240), ("bytes=-7", 10_233, 10_240)],
)
async def test_a_part(app: Inside, header: str, start: int, stop: int) -> None:
    answer = await app.client.get(URL, headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, DATA[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.headers["content-type"] == "image/webp"
    for name, value in OF_EVERY_FILE.items():
        assert answer.headers.get_list(name) == [value]


@pytest.mark.parametrize("header", ["bytes=0-9,20-29", "bytes=9-0", "lines=0-9", "nonsense"])
async def test_several_parts_or_nonsense_are_all_of_it(app: Inside, header: str) -> None:
    answer = await app.client.get(URL, headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, DATA)
    assert "content-range" not in answer.headers


async def test_a_part_that_is_not_there(app: Inside) -> None:
    answer = await app.client.get(URL, headers={"Range": f"bytes={len(DATA)}-"})
    said = problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
    assert f"{len(DATA):,} bytes" in said["detail"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (TAG, 206),
        (f"W/{TAG}", 200),
        ('"other"', 200),
        ("Sun, 01 Mar 2026 00:00:00 GMT", 200),
    ],
)
async def test_if_range(app: Inside, header: str, status: int) -> None:
    """A part of another version than the one that is known would be of no use."""
    answer = await app.client.get(URL, headers={"Range": "bytes=0-9", "If-Range": header})
    assert (answer.status_code, len(answer.content)) == (status, 10 if status == 206 else len(DATA))
    beyond = {"Range": "bytes=99999-", "If-Range": header}
    answer = await app.client.get(URL, headers=beyond)
    assert answer.status_code == (416 if status == 206 else 200)


async def test_a_known_file_has_no_parts(app: Inside) -> None:
    headers = {"Range": "bytes=0-9", "If-None-Match": TAG}
    assert (await app.client.get(URL, headers=headers)).status_code == 304


# What is not served


@pytest.mark.parametrize("path", ["", "/", "/6b", f"/6b/{image(1)}", f"/6b/{image(1)}/", "/secret"])
async def test_no_folder_is_listed(app: Inside, path: str) -> None:
    answer = await app.client.get(f"/media{path}")
    problem(answer, 404, "not_found")
    assert "thumb" not in answer.text


async def test_what_was_never_there_is_not_remembered_as_that(app: Inside) -> None:
    """It may be there in a moment."""
    answer = await app.client.get(f"/media/{key(3)}")
    problem(answer, 404, "not_found")
    assert answer.headers["cache-control"] == "no-store"
    await app.parts.blobs.put(key(3), DATA)
    assert (await app.client.get(f"/media/{key(3)}")).content == DATA


@pytest.mark.parametrize("number", range(len(hostile_keys())))
async def test_a_path_that_is_no_key_is_not_found(app: Inside, number: int) -> None:
    """Byte for byte, as somebody sends it who writes his requests himself."""
    hostile = hostile_keys()[number].encode("utf-8", "surrogatepass").decode("latin-1")
    await refused(app, f"/media/{hostile}", f"/media/{hostile}".encode("latin-1"))


@pytest.mark.parametrize(
    "raw",
    [
        f"/media/%{ord(key(1)[0]):x}{key(1)[1:]}",
        f"/media/{key(1)}".replace("thumb", "%74humb"),
        f"/media/{key(1)}".replace("/", "%2f").replace("%2f", "/", 1),
        f"/media/{key(1)}/",
        f"//media/{key(1)}",
        f"/media//{key(1)}",
        f"/%6dedia/{key(1)}",
        f"/media/./{key(1)}",
        f"/media/{key(1)};x=1",
    ],
)
async def test_a_file_has_one_spelling(app: Inside, raw: str) -> None:
    """A cache would keep each by itself, and a purge of one would leave the others."""
    await refused(app, unquote(raw), raw.encode())


async def test_it_asks_the_store_for_no_other_key(tmp_path: Path) -> None:
    """Whatever a store would give."""

    async def give(_: str) -> bytes:
        return b"secret"

    generous = type("Generous", (), {"get": staticmethod(give)})()
    async with inside(tmp_path, change=lambda parts: replace(parts, blobs=generous)) as app:
        assert (await app.client.get(URL)).content == b"secret"
        for path in ("/media/etc/x/passwd", URL.upper(), URL.replace("6b/", "00/", 1)):
            problem(await app.client.get(path), 404, "not_found")


async def refused(app: Inside, path: str, raw: bytes) -> None:
    call = Call(app.app, "GET", "/")
    call.scope |= {"path": path, "raw_path": raw}
    answer = await call.answer()
    problem(answer, 404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_query_is_refused(app: Inside) -> None:
    problem(await app.client.get(f"{URL}?size=1"), 400, "malformed")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PURGE"])
async def test_nothing_is_changed_by_it(app: Inside, method: str) -> None:
    answer = await app.client.request(method, URL)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await app.client.get(URL)).content == DATA


async def test_the_store_is_away(tmp_path: Path) -> None:
    """503, which no cache keeps; the rest of the service goes on."""
    failing = type("Failing", (), {"get": staticmethod(raising(Unavailable("It is away.")))})()
    async with inside(tmp_path, change=lambda parts: replace(parts, blobs=failing)) as app:
        answer = await app.client.get(URL)
        problem(answer, 503, "unavailable")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["retry-after"] == "1"
        assert (await app.client.get("/api/v1/profiles")).status_code == 200


@pytest.mark.parametrize(
    ("url", "kind"),
    [("", "file"), ("file:elsewhere", "file"), ("memory:", "memory")],
)
async def test_where_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, kind: str
) -> None:
    """In the folder that the settings say; and what is kept in memory leaves no trace."""
    monkeypatch.chdir(tmp_path)
    async with inside(tmp_path / "data", BLOBS_URL=url) as app:
        assert files(tmp_path) == [], "nothing is made before it is needed"
        await app.parts.blobs.put(key(1), DATA)
        assert (await app.client.get(URL)).content == DATA
        assert (await app.client.get("/health")).json()["components"]["blobs"]["detail"] == kind
        assert app.metric("blobs_operation_latency_seconds_count", operation="get") == 1
    place = {"": "data/blobs", "file:elsewhere": "elsewhere"}.get(url)
    assert files(tmp_path) == ([f"{place}/{key(1)}"] if place else [])


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


async def test_health_tells_that_it_cannot_be_kept(tmp_path: Path) -> None:
    """That is no reason to stop: profiles need no images."""
    (tmp_path / "taken").write_text("a file")
    async with inside(tmp_path, BLOBS_URL=f"file:{tmp_path}/taken") as app:
        health = (await app.client.get("/health")).json()
        assert health["status"] == health["components"]["blobs"]["status"] == "degraded"
        assert (await app.client.get("/health/ready")).status_code == 200
        problem(await app.client.get(URL), 503, "unavailable")
