"""Which part of a file a Range header asks for."""

import pytest

from profilecore.entrypoints.http.ranges import NotSatisfiable, asked_part

SIZE = 100


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=0-99", range(100)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=10-", range(10, 100)),
        ("bytes=0-", range(100)),
        ("bytes=99-", range(99, 100)),
        ("bytes=90-1000", range(90, 100)),
        (f"bytes=90-{'9' * 19}", range(90, 100)),
        ("bytes=-1", range(99, 100)),
        ("bytes=-100", range(100)),
        ("bytes=-1000", range(100)),
        ("BYTES= 10-19 ", range(10, 20)),
    ],
)
def test_one_range(header: str, part: range) -> None:
    assert asked_part(header, SIZE) == part


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes= - ", "bytes=a-b", "bytes=1", "bytes=5-4"),
        *("bytes=0-1,5-6", "bytes=0-1, 5-6", "bytes=0-1,", "items=0-1", "bytes 0-1", "bytes=--1"),
        *("bytes=+1-2", "bytes=1_0-2_0", "bytes=٣-٤", "bytes=1-2\n", f"bytes={'9' * 20}-", "-1"),
    ],
)
def test_what_makes_no_sense_or_is_several_asks_for_all(header: str | None) -> None:
    assert asked_part(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-600"])
def test_nothing_of_it_is_there(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        asked_part(header, SIZE)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1", "bytes=0-0"])
def test_nothing_is_there_of_what_is_empty(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        asked_part(header, 0)
