"""Bodies and headers, read strictly."""

from typing import Any

import msgspec
import pytest
from litestar import Request

from profilecore.entrypoints.http.bodies import Batch, NewProfile, ProfileChanges, ProfilePatch
from profilecore.entrypoints.http.problems import Refusal
from profilecore.entrypoints.http.reading import (
    consistency_position,
    consistency_token,
    decode,
    expected_versions,
    not_modified,
)
from profilecore.entrypoints.http.tags import etag
from profilecore.errors import FieldError, Invalid
from profilecore.order import TOO_DEEP


def head(**headers: str) -> Any:
    named = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    return {"type": "http", "headers": named}


def request(**headers: str) -> Request[Any, Any, Any]:
    return Request(head(**headers))


def test_decode_gives_what_is_there() -> None:
    body = decode(b'{"name":"A","email":"a@b.example"}', NewProfile)
    assert body == NewProfile(name="A", email="a@b.example")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"name":"\xff"}',
        b'{"name":"\\ud800"}',
        b"{} {}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decode(body, ProfileChanges)
    assert caught.value.code == "malformed"
    assert caught.value.detail.startswith("The body is not JSON: ")
    assert caught.value.__cause__ is not None


def test_a_depth_beyond_reason_is_invalid() -> None:
    deep = b'{"delete":' + b"[" * 100_000
    with pytest.raises(Invalid) as caught:
        decode(deep, dict)
    assert caught.value.code == "invalid"
    assert caught.value.errors == (FieldError("body", TOO_DEEP),)
    assert isinstance(caught.value.__cause__, RecursionError)


@pytest.mark.parametrize(
    ("body", "kind", "field", "message"),
    [
        (b"{}", NewProfile, "name", "is required"),
        (b'{"name":"A"}', NewProfile, "email", "is required"),
        (b'{"nom":"A"}', ProfileChanges, "nom", "is not a known field"),
        (b'{"name":1}', ProfileChanges, "name", "must be text, not a whole number"),
        (b'{"name":null}', ProfilePatch, "name", "must be text, not null"),
        (
            b'{"image_urls":["a",1]}',
            ProfileChanges,
            "image_urls[1]",
            "must be text, not a whole number",
        ),
        (b'{"image_urls":{}}', ProfileChanges, "image_urls", "must be a list, not an object"),
        (b"[]", ProfileChanges, "body", "must be an object, not a list"),
        (b'{"create":[{"name":"A"}]}', Batch, "create[0].email", "is required"),
        (b'{"update":[{"id":"x"}]}', Batch, "update[0].id", "Invalid UUID"),
        (b'{"update":[{"x":1}]}', Batch, "update[0].x", "is not a known field"),
        (
            b'{"update":[{"version":"1"}]}',
            Batch,
            "update[0].version",
            "must be a whole number, not text",
        ),
        (
            b'{"delete":[true]}',
            Batch,
            "delete[0]",
            "must be a UUID or an object, not true or false",
        ),
    ],
)
def test_another_shape_names_its_field(body: bytes, kind: type, field: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(body, kind)
    assert caught.value.code == "invalid"
    assert caught.value.errors == (FieldError(field, message),)
    assert isinstance(caught.value.__cause__, msgspec.ValidationError)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('"v1"', {1}),
        (' "v17" ', {17}),
        ('"v9", "v1"', {1, 9}),
        ('"v9","other" , W/"v2",, "v1"', {1, 9}),
        ("*", None),
        (" * ", None),
        ('W/"v1"', set()),
        ('"v01"', set()),
        ('"v0"', set()),
        ("v1", set()),
        ('"v1", v2', set()),
        ('"v1", *', set()),
        ('"v' + "9" * 19 + '"', set()),
        ("", set()),
    ],
)
def test_expected_versions(tags: str, expected: set[int] | None) -> None:
    assert expected_versions(request(if_match=tags), required=False) == expected
    assert expected_versions(request(if_match=tags), required=True) == expected


def test_expected_versions_of_two_lines() -> None:
    two = head(if_match='"v9"')
    two["headers"] += head(if_match='"v1"')["headers"]
    assert expected_versions(Request(two), required=True) == {1, 9}


def test_expected_versions_that_are_missing() -> None:
    assert expected_versions(request(), required=False) is None
    with pytest.raises(Refusal) as caught:
        expected_versions(request(), required=True)
    assert caught.value.code == "precondition_required"


@pytest.mark.parametrize(
    ("tags", "same"),
    [
        ('"v7"', True),
        ('W/"v7"', True),
        ('"v1", W/"v7"', True),
        ("*", True),
        (" * ", True),
        ('"v70"', False),
        ("v7", False),
        ('"V7"', False),
        ("", False),
    ],
)
def test_not_modified(tags: str, same: bool) -> None:
    assert not_modified(head(if_none_match=tags), 7) is same


def test_not_modified_without_a_header() -> None:
    assert not not_modified(head(), 7)


def test_etag_is_what_if_match_takes() -> None:
    assert expected_versions(request(if_match=etag(7)), required=True) == {7}


def test_token_there_and_back() -> None:
    assert consistency_position(head(x_consistency_token=consistency_token(17))) == 17
    assert consistency_position(head()) == 0


@pytest.mark.parametrize("token", ["", "17", "p", "p-1", "p1\n", "p\xb2", "px", "p" + "1" * 19])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(Invalid) as caught:
        consistency_position(head(x_consistency_token=token))
    assert caught.value.code == "malformed"
