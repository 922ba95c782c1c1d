"""Uploads as no client should send them: each gets its problem, and nothing is changed by it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.http import PROFILES, created, fields_at_fault, path_of, problem, snapshot
from tests.support.pictures import HTML, PNG, encoded, photograph, scene
from tests.support.processes import Server
from tests.support.sockets import Wire
from tests.support.uploads import (
    BOUNDARY,
    MULTIPART,
    form,
    images,
    images_of,
    part,
    uploaded,
)

PICTURE = encoded(scene(), "PNG")
BYTES_MAX = 10 * 1024 * 1024
MARGIN = 64 * 1024
GOOD = form(part(PICTURE))
START = f"--{BOUNDARY}\r\n".encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Whose uploads come into a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tmp").mkdir()
    with Server(folder, TMPDIR=str(folder / "tmp")) as server:
        yield server


def files(server: Server) -> set[Path]:
    """All that is on the disk but the database, the log, and what others put there."""
    kept = {"stdout.txt", "stderr.txt"}
    found = {path for path in server.folder.rglob("*") if path.is_file()}
    return {p for p in found if p.name not in kept and not p.name.startswith("profiles.db")}


def sent(api: httpx.Client, content: bytes, **headers: str) -> httpx.Response:
    profile = created(api)
    response = api.post(images_of(profile), content=content, headers=MULTIPART | headers)
    if response.status_code != 201:
        assert images(api, profile) == []
    return response


# The form


LONGER = part(PICTURE).replace(b"\r\n\r\n", b"\r\nContent-Length: 9999\r\n\r\n")
MALFORMED = {
    "nothing": b"",
    "no boundary in it": PICTURE,
    "the end alone": form(),
    "a header without its end": START + b"Content-Disposition: form-data",
    "a header that is none": START + b"nonsense\r\n\r\nx\r\n--a-boundary--\r\n",
    "lines of one byte": form(part(PICTURE)).replace(b"\r\n", b"\n"),
    "no form-data": START + b"Content-Disposition: attachment\r\n\r\nx\r\n--a-boundary--\r\n",
    "a header of 5,000 bytes": form(part(PICTURE, filename=b"x" * 5_000)),
    "headers without end": START + b"A: b\r\n" * 50 + GOOD,
    "shorter than it says": form(LONGER),
    "half of it": GOOD[: len(GOOD) // 2],
    "without its last bytes": GOOD[:-4],
    "something behind a boundary": GOOD.replace(b"--a-boundary--", b"--a-boundaryx"),
}
REFUSED = {
    "another part": (form(part(PICTURE, name=b"picture")), "form"),
    "a part that is not named": (
        START + b"Content-Disposition: form-data\r\n\r\nx\r\n--a-boundary--\r\n",
        "form",
    ),
    "a part of an empty name": (form(part(PICTURE, name=b"")), "form"),
    "a text beside it": (form(part(PICTURE), part(b"x", name=b"bio", filename=None)), "form"),
    "two files": (form(part(PICTURE), part(PICTURE)), "image"),
    "a file of each name": (form(part(PICTURE), part(PICTURE, name=b"file")), "file"),
    "many parts": (form(*[part(b"", name=b"image")] * 100), "image"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_form_that_cannot_be_read(server: Server, api: httpx.Client, name: str) -> None:
    before = files(server)
    answer = sent(api, MALFORMED[name])
    if name == "the end alone":
        assert fields_at_fault(problem(answer, 422, "invalid")) == ["image"]
    else:
        problem(answer, 400, "malformed")
    assert "Error(" not in answer.text, "no notation of Python's"
    assert files(server) == before


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_that_holds_something_else(server: Server, api: httpx.Client, name: str) -> None:
    content, field = REFUSED[name]
    before = files(server)
    assert fields_at_fault(problem(sent(api, content), 422, "invalid")) == [field]
    assert files(server) == before


@pytest.mark.parametrize(
    "kind",
    [
        *("", "image/png", "application/json", "text/plain", "application/x-www-form-urlencoded"),
        *("multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"),
        *("multipart/form-data;boundary", "nonsense", "multipart/form-data, x"),
    ],
)
def test_a_body_that_is_no_form(api: httpx.Client, kind: str) -> None:
    refused = problem(sent(api, GOOD, **{"Content-Type": kind}), 415, "unsupported_media_type")
    lacks_boundary = kind.partition(";")[0] == "multipart/form-data"
    assert ("does not say the boundary" in refused["detail"]) == lacks_boundary


@pytest.mark.parametrize("boundary", ["x" * 70, "x" * 2_000, "other", '"a b"', "a-boundar"])
def test_a_boundary_that_is_not_in_the_body(api: httpx.Client, boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}"
    problem(sent(api, GOOD, **{"Content-Type": kind}), 400, "malformed")


@pytest.mark.parametrize("boundary", [b"\xff\xfe", "ü".encode(), b"x\ty", b"\x01"])
def test_a_boundary_of_other_bytes(api: httpx.Client, boundary: bytes) -> None:
    kind = b"multipart/form-data; boundary=" + boundary
    answer = api.post(images_of(created(api)), content=GOOD, headers={b"Content-Type": kind})
    assert answer.status_code in (400, 415), answer.text
    problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "content",
    [
        form(part(PICTURE, kind=None)),
        form(part(PICTURE, filename=None)),
        form(part(PICTURE, kind=b"text/html")),
        form(part(PICTURE, kind=b"image/svg+xml; charset=utf-7")),
        form(part(PICTURE, kind=b"nonsense")),
        b"a preamble, as mail has it\r\n" + GOOD,
        GOOD + b"an epilogue, as mail has it\r\n",
        GOOD[:-2],
        GOOD.replace(b" name=", b"\r\n name="),
    ],
    ids=range(9),
)
def test_what_is_said_beside_the_file_is_of_no_importance(
    api: httpx.Client, content: bytes
) -> None:
    assert sent(api, content).status_code == 201


def test_the_content_decides_and_not_its_name(api: httpx.Client) -> None:
    for data, code in ((HTML, "not_an_image"), (PNG + HTML, "broken_image")):
        content = form(part(data, filename=b"me.png", kind=b"image/png"))
        answer = sent(api, content)
        problem(answer, 415 if code == "not_an_image" else 422, code)


def test_a_form_that_arrives_in_pieces(server: Server) -> None:
    """Whatever the pieces: the end of the form is a piece of its own, as on any network."""
    with server.client() as client:
        profile = created(client)
    for cut in (1, len(START), len(START) + 40, len(GOOD) - 30, len(GOOD) - 4, len(GOOD) - 2):
        with Wire(server) as wire:
            wire.send(head(profile["id"], len(GOOD)))
            wire.send(GOOD[:cut])
            threading.Event().wait(0.1)
            wire.send(GOOD[cut:])
            assert b" 201 " in wire.until(b"\r\n"), cut


def head(profile_id: str, length: int | None) -> bytes:
    """Of an upload; without a length its body comes in chunks."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [
        f"POST {PROFILES}/{profile_id}/images HTTP/1.1",
        *("Host: localhost", f"Content-Type: multipart/form-data; boundary={BOUNDARY}", size),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


# Names


NAMES = {
    "a NUL": b"a\0.png",
    "NUL and another end": b"a.php\0.png",
    "right to left": "a\u202egnp.exe".encode(),
    "parents": b"../../../../etc/passwd",
    "Windows parents": b"..\\..\\boot.ini",
    "absolute": b"/etc/passwd",
    "Windows": b"C:\\Windows\\system32\\x.dll",
    "a share": b"\\\\host\\share\\x.png",
    "two ends": b"a.php.png",
    "quoted": b'a\\".png',
    "percents": b"%2e%2e%2f%00%22.png",
    "a device": b"/dev/null",
    "CON": b"CON",
    "a shell": b"$(touch pwned);`id`|x.png",
    "a template": b"{{7*7}}${7*7}",
    "markup": b"<script>alert(1)</script>.png",
    "a pipe": b"|id",
    "a URL": b"http://127.0.0.1/x.png",
    "long": b"x" * 3_000,
    "empty": b"",
    "latin-1": "ü.png".encode("latin-1"),
    "no text": b"\xff\xfe\x80",
    "a surrogate": b"\xed\xa0\x80.png",
    "emoji": "\U0001f600.png".encode(),
}


def test_a_name_changes_nothing(server: Server, api: httpx.Client) -> None:
    profile = created(api)
    expected = uploaded(api, profile, PICTURE)
    before = files(server)
    for name, filename in NAMES.items():
        other = created(api)
        content = form(part(PICTURE, filename=filename))
        answer = api.post(images_of(other), content=content, headers=MULTIPART)
        assert answer.status_code == 201, (name, answer.text)
        assert answer.json() == expected | {"created_at": answer.json()["created_at"]}
        assert images(api, other) == [answer.json()]
    assert files(server) == before


# Sizes


def padded(size: int) -> bytes:
    """A picture of so many bytes."""
    picture = encoded(photograph(400, 300))
    return picture + bytes(size - len(picture))


def test_the_largest_that_is_taken(server: Server, api: httpx.Client) -> None:
    assert sent(api, form(part(padded(BYTES_MAX)))).status_code == 201
    before = files(server)
    refused = problem(sent(api, form(part(padded(BYTES_MAX + 1)))), 413, "too_large")
    assert "10,485,760 bytes" in refused["detail"]
    assert files(server) == before


def test_too_large_by_what_it_says(server: Server, api: httpx.Client) -> None:
    """It is refused before it is sent."""
    profile = created(api)
    with Wire(server) as wire:
        wire.send(head(profile["id"], BYTES_MAX + MARGIN + 1) + START)
        answer = wire.answer()
    problem(answer, 413, "too_large")
    assert answer.headers["connection"] == "close"


def test_too_large_without_saying_so(server: Server, api: httpx.Client) -> None:
    """Not more is read, and not more is written, than may be."""
    before, taken = files(server), 0
    piece = bytes(256 * 1024)

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield part(b"")[:-2]
        while taken < 30 * BYTES_MAX:
            taken += len(piece)
            yield piece

    profile = created(api)
    try:
        answer = api.post(images_of(profile), content=endless(), headers=MULTIPART)
    except httpx.TransportError:  # it was refused while the client still sent
        pass
    else:
        problem(answer, 413, "too_large")
    assert taken < 2 * BYTES_MAX
    assert images(api, profile) == []
    assert files(server) == before


def test_a_profile_that_is_not_there_is_told_before_the_body(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(head("0198c5a0-0000-7000-8000-000000000000", BYTES_MAX) + START)
        answer = wire.answer()
    problem(answer, 404, "not_found")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["x", "%00", "../x", "0198c5a0"])
def test_what_is_no_profile(api: httpx.Client, path: str) -> None:
    answer = api.post(f"{PROFILES}/{path}/images", content=GOOD, headers=MULTIPART)
    assert answer.status_code in (400, 404, 405)
    problem(answer, answer.status_code, answer.json()["code"])


def test_a_query_is_refused(api: httpx.Client) -> None:
    answer = api.post(f"{images_of(created(api))}?x=1", content=GOOD, headers=MULTIPART)
    problem(answer, 400, "malformed")


def test_what_is_refused_changes_nothing(server: Server, api: httpx.Client) -> None:
    profile = created(api)
    before = snapshot(server)
    for content in (*MALFORMED.values(), *(content for content, _ in REFUSED.values())):
        answer = api.post(images_of(profile), content=content, headers=MULTIPART)
        assert answer.status_code in (400, 422)
    assert snapshot(server) == before
    assert api.get(path_of(profile)).json()["profile"] == profile


def test_no_server_error_was_logged(server: Server, api: httpx.Client) -> None:
    """After all of the above."""
    lines = [json.loads(line) for line in server.errors.splitlines()]
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]
    assert not [line for line in lines if line.get("status", 0) >= 500]
    assert not list((server.folder / "tmp").iterdir())
