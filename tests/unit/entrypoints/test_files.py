"""Reading files that nobody vouches for, and writing ones that can be read."""

import io
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilecore import Invalid, Profile
from profilecore.entrypoints.files import (
    Broken,
    CsvWriter,
    Format,
    NdjsonWriter,
    Read,
    of_name,
    read_csv,
    read_ndjson,
    sniffed,
)
from profilecore.entrypoints.files.lines import LINE_MAX
from profilecore.identifiers import new_id
from profilecore.testing.samples import picture

HEADER = b"name,email,bio,image_urls,version\n"


def told(reads: list[Read]) -> list[tuple[int, Any]]:
    """The number of each with its values, or the reason why there are none."""
    return [
        (read.number, read.reason)
        if isinstance(read, Broken)
        else (read.row.number, read.row.values)
        for read in reads
    ]


def ndjson(data: bytes) -> list[tuple[int, Any]]:
    return told(list(read_ndjson(io.BytesIO(data))))


def csv(data: bytes) -> list[tuple[int, Any]]:
    return told(list(read_csv(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b'{"a":1}', [(1, {"a": 1})]),
        (b'\xef\xbb\xbf{"a":1}\r\n\r\n \n{"a":2}\n', [(1, {"a": 1}), (4, {"a": 2})]),
        (b"[1]\n", [(1, "is not a JSON object")]),
        (b"null\n", [(1, "is not a JSON object")]),
        (b'{"a":1', [(1, "is not JSON: Input data was truncated")]),
        (b'{"a":1}{"a":2}\n', [(1, "is not JSON: trailing characters (byte 8)")]),
        (b'{"a":"\xff"}\n', [(1, "is not UTF-8")]),
        (b'{"a":\x00}\n', [(1, "is not JSON: invalid character (byte 5)")]),
        (b'{"a":"\\u0000"}\n', [(1, {"a": "\x00"})]),
        (b'{"a":NaN}\n', [(1, "is not JSON: invalid character (byte 5)")]),
        (b"[" * 100_000 + b"\n{}\n", [(1, "is nested too deeply"), (2, {})]),
    ],
)
def test_ndjson(data: bytes, expected: list[tuple[int, Any]]) -> None:
    assert ndjson(data) == expected


@pytest.mark.parametrize("read", [read_ndjson, read_csv])
def test_a_line_without_end_is_not_held_in_memory(read: Any) -> None:
    class Endless(io.RawIOBase):
        left = 200 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.left)
            self.left -= size
            buffer[:size] = b"x" * size
            return size

    start = b"" if read is read_ndjson else HEADER
    chained = io.BufferedReader(Joined(io.BytesIO(start), Endless(), io.BytesIO(b"\n")))
    tracemalloc.start()
    (only,) = read(chained)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(only, Broken)
    assert only.reason == f"is longer than {LINE_MAX} bytes"
    assert len(only.raw) == 1_000
    assert peak < 16 << 20


class Joined(io.RawIOBase):
    """Several streams, one after the other."""

    def __init__(self, *streams: Any) -> None:
        self._streams = list(streams)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._streams:
            if count := self._streams[0].readinto(buffer):
                return int(count)
            self._streams.pop(0)
        return 0


def test_the_longest_line_that_is_taken() -> None:
    fits = b'{"a":"' + b"x" * (LINE_MAX - 8) + b'"}'
    assert len(fits) == LINE_MAX
    (first, second, third) = ndjson(fits + b"\n" + fits[:-2] + b'x"}\n{}\n')
    assert first[0] == 1
    assert second == (2, f"is longer than {LINE_MAX} bytes")
    assert third == (3, {})


ADA = {"name": "Ada", "email": "a@x.org"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (b"Ada,a@x.org,,,", [(2, ADA)]),
        (b"Ada,a@x.org,,,\r\n\r\n", [(2, ADA)]),
        (b"\n\nAda,a@x.org,,,7\n", [(4, ADA | {"version": 7})]),
        (b"Ada,a@x.org,,,7.0\n", [(2, ADA | {"version": "7.0"})]),
        (
            b"Ada,a@x.org,,http://a/ http://b/,\n",
            [(2, ADA | {"image_urls": ["http://a/", "http://b/"]})],
        ),
        (b'Ada,a@x.org,,"[""http://a/""]",\n', [(2, ADA | {"image_urls": ["http://a/"]})]),
        (b'Ada,a@x.org,,"[oops",\n', [(2, ADA | {"image_urls": "[oops"})]),
        (b"Ada,a@x.org,," + b"[" * 99_999 + b",", [(2, ADA | {"image_urls": "[" * 99_999})]),
        (
            b'Ada,a@x.org,"one\r\n\r\n""three"", four",,\nBob,b@x.org,,,\n',
            [
                (2, ADA | {"bio": 'one\r\n\r\n"three", four'}),
                (5, {"name": "Bob", "email": "b@x.org"}),
            ],
        ),
        (b"Ada,a@x.org\n", [(2, "has 2 cells, and the header 5")]),
        (b"Ada,a@x.org,,,,,\n", [(2, "has 7 cells, and the header 5")]),
        (
            b'Bob,"b,,,\nAda,a@x.org,,,\n',
            [(2, "cannot be read: unexpected end of data"), (3, ADA)],
        ),
        (
            b'Bob,"b,,,\nAda,a@x.org,,,\nCyd,"c,,,\nAda,a@x.org,,,\n',
            [
                (2, "cannot be read: ',' expected after '\"'"),
                (3, ADA),
                (4, "cannot be read: unexpected end of data"),
                (5, ADA),
            ],
        ),
        (b'"Bob"by,b@x.org,,,\n', [(2, "cannot be read: ',' expected after '\"'")]),
        (
            b'\xff,,,,\nAda,a@x.org,,,\nBob,b@x.org,"\n\xff",,\nAda,a@x.org,,,\n',
            [
                (2, "cannot be read: line 2 is not UTF-8"),
                (3, ADA),
                (4, "cannot be read: line 5 is not UTF-8"),
                (5, "cannot be read: line 5 is not UTF-8"),
                (6, ADA),
            ],
        ),
    ],
)
def test_csv(rows: bytes, expected: list[tuple[int, Any]]) -> None:
    assert csv(HEADER + rows) == expected


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    rows = b"".join(b"Ada,%d@x.org,,,\n" % index for index in range(20_000))
    first, *others = csv(HEADER + b'Bob,"b,,,\n' + rows)
    assert first == (2, "cannot be read: field larger than field limit (131072)")
    assert len(others) == 20_000
    assert others[-1][0] == 20_002


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
def test_csv_as_spreadsheets_write_it(delimiter: bytes) -> None:
    data = b"\xef\xbb\xbfName ,email\r\nAda,a@x.org\r\n".replace(b",", delimiter)
    assert csv(data) == [(2, ADA)]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"", "There is no header"),
        (b"\n\n", "There is no header"),
        (b"name\remail\rAda", "The header cannot be read: new-line character"),
        (b"Ada,a@x.org\n", "Unknown columns in the header: 'ada', 'a@x.org'"),
        (
            b"name,email,age,size\n",
            "Unknown columns in the header: 'age', 'size'; allowed: id, name, ",
        ),
        (b'{"name": "Ada"}\n', "Unknown columns"),
        (b"name,email,name\n", "Columns given twice: 'name'"),
        (b"name,bio\n", "Missing columns: email"),
        (b"\xff\n", "Unknown columns"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header: bytes, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        csv(header)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", Format.CSV), ("A.NDJSON", Format.NDJSON), ("a.jsonl", Format.NDJSON), ("-", None)],
)
def test_a_name_may_promise_a_format(name: str, kind: Format | None) -> None:
    assert of_name(name) is kind


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"", Format.NDJSON), (b"\xef\xbb\xbf \n{", Format.NDJSON), (b"name,email\n", Format.CSV)],
)
def test_what_has_no_name_is_looked_into(start: bytes, kind: Format) -> None:
    stream = io.BufferedReader(io.BytesIO(start))
    assert sniffed(stream) is kind
    assert stream.read() == start


def test_an_array_is_refused_with_the_way_out() -> None:
    with pytest.raises(Invalid, match="jq -c"):
        sniffed(io.BufferedReader(io.BytesIO(b"[{}]")))


profiles = st.builds(
    Profile.stored,
    id=st.builds(new_id),
    name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    email=st.just("ada@example.com"),
    bio=st.text(st.sampled_from("ab,;\"'\r\n\t [=é字")),
    image_urls=st.lists(st.sampled_from(["http://a/,", 'http://b/"'])).map(tuple),
    images=st.lists(st.builds(picture), max_size=2).map(tuple),
    owner=st.none() | st.just("auth0|1"),
    version=st.integers(1, 2**31 - 1),
    created_at=st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
    updated_at=st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
    deleted_at=st.none(),
)


@given(st.lists(profiles, min_size=1, max_size=5))
def test_what_is_exported_is_what_is_imported(given: list[Profile]) -> None:
    from_ndjson = ndjson(NdjsonWriter("/media").encode(given))
    from_csv = csv(CsvWriter.header + CsvWriter("/media").encode(given))
    for profile, (_, values), (_, cells) in zip(given, from_ndjson, from_csv, strict=True):
        assert values["name"] == profile.name
        assert values["bio"] == profile.bio
        uploaded = [image["url"] for image in values["images"]]
        assert values["image_urls"] == [*profile.image_urls, *uploaded]
        assert [image["id"] for image in values["images"]] == [i.id for i in profile.images]
        assert datetime.fromisoformat(values["created_at"]) == profile.created_at
        # An empty cell and one that is not given are the same.
        assert cells == {name: value for name, value in values.items() if value not in ("", None)}


def test_an_exported_line_is_plain_json() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    profile = Profile(id=new_id(), name="Ada", email="a@x.org", created_at=at, updated_at=at)
    line = NdjsonWriter("/media").encode([profile])
    assert line.endswith(b"}\n")
    assert json.loads(line)["id"] == str(profile.id)
