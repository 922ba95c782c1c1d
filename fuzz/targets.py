"""What is tried: one function a parser, which takes bytes and raises what it documents."""

import asyncio
import base64
import io
import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from litestar import Request

from profilecore import rules
from profilecore.adapters.callback.asked import Asked
from profilecore.adapters.jwt.reading import payload_of, read
from profilecore.entrypoints.files import Broken, Taken, read_csv, read_ndjson
from profilecore.entrypoints.http import bodies, events, lists, tasks, uploads
from profilecore.entrypoints.http.access import _credential
from profilecore.entrypoints.http.addresses import Addresses
from profilecore.entrypoints.http.idempotency import Keys
from profilecore.entrypoints.http.ranges import NotSatisfiable, asked_part
from profilecore.entrypoints.http.reading import (
    consistency_position,
    decode,
    expected_versions,
    not_modified,
)
from profilecore.entrypoints.http.task_bodies import NewTask, TaskChanges
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting
from profilecore.errors import Denied, Invalid, ProfilecoreError
from profilecore.order import delay_of
from profilecore.paging import Cursor, Sort
from profilecore.token import parsed

Parser = Callable[[bytes], object]

SIZE: Final = 1_000
_KEYS: Final = Keys(timedelta(hours=1))
_ADDRESSES: Final = Addresses([ipaddress.ip_network("10.0.0.0/8")])
_BODIES: Final = (bodies.NewProfile, bodies.ProfileChanges, bodies.Batch, NewTask, TaskChanges)
_VARIABLES: Final = tuple(
    field.name.upper() for field in fields(Settings) if "variable" in field.metadata
)


@dataclass(frozen=True)
class Target:
    """A parser, what it refuses with, and bytes to begin with."""

    parse: Parser
    refuses: tuple[type[Exception], ...]
    seeds: Sequence[bytes]

    def __call__(self, data: bytes) -> None:
        """Raises whatever the parser may not raise."""
        with suppress(*self.refuses):
            self.parse(data)


TARGETS: Final[dict[str, Target]] = {}


def target(*seeds: bytes, refuses: type[Exception] = Invalid) -> Callable[[Parser], Parser]:
    def add(parse: Parser) -> Parser:
        TARGETS[parse.__name__] = Target(parse, (refuses,), seeds)
        return parse

    return add


def asking(data: bytes, *names: str) -> Request[Any, Any, Any]:
    """A request with one header, or a line for each of several."""
    lines = data.split(b"\n") if names[1:] else [data]
    headers = [(n.encode(), v) for n, v in zip(names, lines, strict=False)]
    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "path_template": "/",
        "query_string": b"",
        "headers": headers,
        "client": ("10.0.0.1", 1),
    }
    return Request(scope)


def in_base64(data: bytes) -> str:
    """What random bytes would not often be."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@target(
    b'["-created_at",1764190000000000,"0198c5a0000070008000000000000000"]',
    b'["name","ada","0198c5a0000070008000000000000000"]',
    b"WyItY3JlYXRlZF9hdCIsMTc2NDE5MDAwMDAwMDAwMCwiMDE5OGM1YTAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDAiXQ",
    b"WyJuYW1lIiwiYWRhIiwiMDE5OGM1YTAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDAiXQ",
)
def cursor(data: bytes) -> object:
    """Of a list of profiles; one that is taken is what is given out for that place."""
    for text in (data.decode("utf-8", "replace"), in_base64(data)):
        for sort in Sort:
            with suppress(Invalid):
                assert Cursor.decode(text, sort).encode() == text
    return None


@target(b"AZjFoAAAcACAAAAAAAAAAA")
def task_cursor(data: bytes) -> object:
    return tasks._place(data.decode("utf-8", "replace"))


@target(b"p17", b"17")
def positions(data: bytes) -> object:
    """In the log: of a consistency token, an event and a page of history."""
    with suppress(Invalid):
        assert consistency_position(asking(data, "x-consistency-token").scope) >= 0
    return events._position("after", data.decode("utf-8", "replace"))


@target(b"0198c5a0-0000-7000-8000-000000000000,0198c5a0-0000-7000-8000-000000000001")
def ids(data: bytes) -> object:
    return lists._ids(data.decode("utf-8", "replace"))


@target(b"1h30m", b"90s", b"1d2h3m4s")
def delay(data: bytes) -> object:
    assert delay_of(data.decode("utf-8", "replace")).total_seconds() >= 0
    return None


@target(
    *(bytes([n]) + text for n in range(len(_VARIABLES)) for text in (b"1h30m", b"~nobody-here/x")),
    refuses=BadSetting,
)
def settings(data: bytes) -> object:
    """Durations and all else that a variable may hold; the first byte says which."""
    name, text = data[:1], data[1:].decode("utf-8", "replace").replace("\0", "")
    chosen = _VARIABLES[(name or b"\0")[0] % len(_VARIABLES)]
    return Settings.read("tool", {chosen: text})


@target(b'{"name":"Ada","bio":null,"image_urls":["http://a/"],"owner":"o"}')
def merge_patch(data: bytes) -> object:
    return rules.checked(decode(data, bodies.ProfilePatch).values())


@target(
    b'\0{"name":"Ada","email":"ada@example.com"}',
    b'\2{"create":[],"delete":["0198c5a0-0000-7000-8000-000000000000"]}',
    b'\3{"type":"echo","payload":{"a":[1.5]},"delay":"5m"}',
    b'\4{"run_at":"2026-11-26T00:00:00Z"}',
)
def body(data: bytes) -> object:
    """Of the other operations; the first byte says which."""
    found: Any = decode(data[1:], _BODIES[(data[:1] or b"\0")[0] % len(_BODIES)])
    if isinstance(found, NewTask):
        return found.order({}, None)
    if isinstance(found, TaskChanges):
        return found.asked()
    if isinstance(found, bodies.Batch):
        return [rules.checked(bodies.given(one)) for one in found.create]
    return rules.checked(bodies.given(found))


@target(b'{"url":"https://a.example:1/b","body":{},"headers":{"X-A":"b"}}')
def call_back(data: bytes) -> object:
    return Asked.of(decode(data, dict[str, Any]))


@target(b'"v7"', b'W/"v7", "v8"', b"*")
def entity_tags(data: bytes) -> object:
    """If-Match, and If-None-Match."""
    not_modified(asking(data, "if-none-match").scope, 7)
    versions = expected_versions(asking(data, "if-match"), required=True)
    assert versions is None or all(0 < version < 10**18 for version in versions)
    return versions


@target(b"bytes=0-99", b"bytes=-5", b"bytes=5-", refuses=NotSatisfiable)
def range_of_bytes(data: bytes) -> object:
    part = asked_part(data.decode("latin-1"), SIZE)
    assert part is None or 0 <= part.start < part.stop <= SIZE
    return part


@target(
    b"Bearer pct_0198c5a0000070008000000000000000_" + b"A" * 43,
    b"Bearer eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSJ9.eyJpc3MiOiJhIn0.AAAA",
    b'{"alg":"EdDSA","kid":"one","typ":"JWT"}.{"iss":"a","exp":1.5}.a',
    b"Bearer a\nBearer b",
    refuses=Denied,
)
def authorization(data: bytes) -> object:
    """The header, an API token in it, and a JWT."""
    with suppress(Denied):
        payload_of(read(".".join(map(in_base64, data.split(b".")))))
    shown = _credential(asking(data, "authorization", "authorization").scope)
    if (found := parsed(shown)) is not None:
        return found
    return payload_of(read(shown))


@target(b"key-1", b"a\nb")
def idempotency_key(data: bytes) -> object:
    return _KEYS._made(asking(data, "idempotency-key", "idempotency-key"), b"")


@target(b"203.0.113.7, 10.0.0.1", b"[2001:db8::7]:80\n10.0.0.2", b"::ffff:203.0.113.7")
def forwarded(data: bytes) -> object:
    """X-Forwarded-For, behind a proxy that is trusted."""
    return _ADDRESSES.of(asking(data, "x-forwarded-for", "x-forwarded-for").scope)


_FORM: Final = (
    b"multipart/form-data; boundary=xx\n--xx\r\nContent-Disposition: form-data; name=image; "
    b'filename="a.png"\r\nContent-Type: image/png\r\n\r\nabc\r\n--xx--\r\n'
)


@target(
    _FORM,
    _FORM.replace(b"=xx", b'="xx"').replace(b"image;", b'"file";'),
    _FORM.replace(b"filename=", b"filename*=utf-8''"),
    refuses=ProfilecoreError,
)
def multipart(data: bytes) -> object:
    """A line with the Content-Type, and a form, which arrives in two pieces."""
    kind, _, form = data.partition(b"\n")
    boundary = uploads._boundary(kind.decode("latin-1"))
    asyncio.run(_received(boundary, form[: len(form) // 2], form[len(form) // 2 :]))
    return None


async def _received(boundary: str, *pieces: bytes) -> None:
    class Arriving:
        async def stream(self) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

    request: Any = Arriving()
    with io.FileIO("/dev/null", "wb") as nowhere:
        await uploads._receive(request, boundary, nowhere)


@target(
    b"name,email,image_urls,version\nAda,a@b.cc,http://a/ http://b/,7\n",
    b'name;email;images\n"A ""x"" B";a@b.cc;[1]\n"open',
    b"name,em\rail\nAda,a@b.cc\n",
)
def csv_rows(data: bytes) -> object:
    return _known(list(read_csv(io.BytesIO(data))))


@target(b'{"name":"Ada","email":"a@b.cc"}\n[]\n\n{"a":', b"\xef\xbb\xbf{}\r\n")
def ndjson_rows(data: bytes) -> object:
    return _known(list(read_ndjson(io.BytesIO(data))))


def _known(rows: list[Taken | Broken]) -> list[object]:
    """The rules have to take, or refuse, whatever was read."""
    found: list[object] = []
    for row in rows:
        if isinstance(row, Taken):
            with suppress(Invalid):
                found.append(rules.checked(row.row.values))
    return found


def seeds_into(folder: Path, name: str) -> None:
    """Write what a target begins with, a file each."""
    for number, seed in enumerate(TARGETS[name].seeds):
        (folder / f"seed-{number}").write_bytes(seed)
