"""Cursors and queries."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profilecore.errors import Invalid
from profilecore.paging import Cursor, Page, Query, Sort, microseconds, moment
from profilecore.testing.samples import person

sorts = st.sampled_from(Sort)
any_text = st.text(st.characters(exclude_categories=()))
times = st.datetimes(timezones=st.just(UTC))


@given(times)
@example(datetime(1, 1, 1, tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_a_time_survives_as_microseconds(at: datetime) -> None:
    assert moment(microseconds(at)) == at
    assert microseconds(at).bit_length() < 63


@given(sorts, times, st.text(min_size=1))
def test_a_cursor_survives_its_text(sort: Sort, at: datetime, name: str) -> None:
    name = "".join(c for c in name if c.isprintable()).strip()[:200] or "x"
    profile = person(name=name, created_at=at, updated_at=at)
    cursor = Cursor.after(profile, sort)
    text = cursor.encode()
    assert Cursor.decode(text, sort) == cursor
    assert (cursor.key, cursor.id) == sort.place(profile)
    assert text.isascii()
    assert not set(text) & set("+/=&?# ")
    for other in Sort:
        if other is not sort:
            with pytest.raises(Invalid) as refused:
                Cursor.decode(text, other)
            assert refused.value.code == "malformed"


def packed(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.just("0" * 32),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
near = st.tuples(
    sorts | json_values,
    st.integers() | any_text | json_values,
    st.uuids().map(str) | st.uuids().map(lambda u: u.hex) | json_values,
)


@given(
    any_text | st.binary().map(lambda b: b.decode("latin-1")) | (near | json_values).map(packed),
    sorts,
)
@example(packed(["created_at", 2**63, "0" * 32]), Sort.OLDEST)
@example(packed(["created_at", True, "0" * 32]), Sort.OLDEST)
@example(packed(["created_at", 1.0, "0" * 32]), Sort.OLDEST)
@example(packed(["name", "\ud800", "0" * 32]), Sort.NAME)
@example(packed(["name", 1, "0" * 32]), Sort.NAME)
@example(packed(["created_at", 1, 7]), Sort.OLDEST)
@example(packed([["created_at"], 1, "0" * 32]), Sort.OLDEST)
@example("[" * 5_000, Sort.OLDEST)
@example(base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("="), Sort.OLDEST)
@example(packed([1, 2]), Sort.OLDEST)
def test_what_is_no_cursor_is_invalid_and_nothing_else(text: str, sort: Sort) -> None:
    try:
        cursor = Cursor.decode(text, sort)
    except Invalid as invalid:
        assert invalid.code == "malformed"  # noqa: PT017 - either end will do
    else:
        assert cursor.encode() == text
        assert cursor.sort is sort
        if isinstance(cursor.key, str):
            assert sort is Sort.NAME
            cursor.key.encode()  # it can be compared with
        else:
            assert sort is not Sort.NAME
            assert -(2**63) <= cursor.key < 2**63, "it can be compared with"


def test_another_spelling_of_a_cursor_is_refused() -> None:
    """So that one place has one text."""
    text = Cursor(Sort.OLDEST, 1, UUID(int=5)).encode()
    assert Cursor.decode(text, Sort.OLDEST).key == 1
    for other in (text + "=", packed(["created_at", 1, str(UUID(int=5))]), text + "\n"):
        with pytest.raises(Invalid):
            Cursor.decode(other, Sort.OLDEST)


@given(email=st.none() | any_text, q=st.none() | any_text)
@example(email=None, q="\ud800")
@example(email="a\udfff@x.de", q=None)
@example(email="a@ü..de", q="a@ü..de")
def test_any_text_may_be_asked_for(email: str | None, q: str | None) -> None:
    try:
        query = Query(email=email, q=q)
    except Invalid as invalid:
        assert {e.field for e in invalid.errors} <= {"email", "q"}  # noqa: PT017 - either end will do
    else:
        query.matches(person())
        for text in (*query.needles, query.email_key or ""):
            text.encode()


@pytest.mark.parametrize("field", ["email", "q"])
def test_a_text_that_cannot_be_compared_with_is_invalid(field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Query(**{field: "\ud800"})  # type: ignore[arg-type]
    assert [error.field for error in refused.value.errors] == [field]


def test_a_page_is_cut_where_there_is_more() -> None:
    people = [person(name=f"P{n}") for n in range(3)]
    query = Query(limit=2, sort=Sort.NAME)
    assert Page.cut(people, query, 3) == Page(
        tuple(people[:2]), Cursor.after(people[1], Sort.NAME), 3
    )
    assert Page.cut(people[:2], query, None) == Page(tuple(people[:2]))
    assert Page.cut([], query, 0) == Page((), None, 0)
