"""What is written down is read again, and garbage is told from it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profilecore.adapters import codec
from profilecore.entrypoints.http.answers import EventBody
from profilecore.entrypoints.wire import ENCODER
from profilecore.errors import Unavailable
from profilecore.event import Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import microseconds
from profilecore.profile import Profile
from profilecore.testing.samples import (
    deleted,
    full_person,
    person,
    picture,
)

AT = datetime(2026, 11, 1, 12, 30, 0, 5, tzinfo=UTC)
times = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]))
profiles = st.builds(
    Profile.stored,
    id=st.integers(0, 2**128 - 1).map(lambda n: UUID(int=n)),
    name=texts,
    email=texts,
    bio=texts,
    image_urls=st.lists(texts, max_size=3).map(tuple),
    images=st.lists(st.builds(picture, at=times), max_size=2).map(tuple),
    owner=st.none() | texts,
    version=st.integers(1, 2**31),
    created_at=times,
    updated_at=times,
    deleted_at=st.none() | times,
)


@given(profiles)
@example(full_person())
@example(deleted(person()).profile)
def test_all_eleven_fields_survive(profile: Profile) -> None:
    """Those too that a stricter rule would refuse today."""
    assert codec.decode(codec.encode(profile)) == profile


@given(st.binary() | st.text().map(str.encode))
@example(b"")
@example(msgspec.msgpack.encode({"id": 1}))
def test_garbage_is_garbled_and_nothing_else(kept: bytes) -> None:
    with pytest.raises(codec.Garbled):
        codec.decode(kept)


@given(profiles, st.data())
def test_a_broken_copy_is_never_another_shape(profile: Profile, data: st.DataObject) -> None:
    kept = codec.encode(profile)
    cut = data.draw(st.integers(0, len(kept) - 1))
    with pytest.raises(codec.Garbled):
        codec.decode(kept[:cut])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 1),
        (0, "2"),
        (1, b"short"),
        (2, None),
        (5, "no list"),
        (6, "no list"),
        (6, [["id", "hash", [[1, 1, 1, 1]], 0]]),
        (6, [["id", "hash", [[1, 1, 1, 1]] * 3, 2**62]]),
        (8, "1"),
        (9, 2**62),
        (10, -(2**62)),
        (11, 2**62),
    ],
)
def test_each_field_has_its_type(place: int, value: Any) -> None:
    fields = [*_fields(person())]
    assert codec.decode(msgspec.msgpack.encode(fields)).version == 1
    fields[place] = value
    with pytest.raises(codec.Garbled):
        codec.decode(msgspec.msgpack.encode(fields))
    with pytest.raises(codec.Garbled):
        codec.decode(msgspec.msgpack.encode([*_fields(person()), "one more"]))


def _fields(profile: Profile) -> tuple[Any, ...]:
    times_ = (microseconds(profile.created_at), microseconds(profile.updated_at), None)
    texts_ = (profile.name, profile.email, profile.bio, list(profile.image_urls))
    return (2, profile.id.bytes, *texts_, [], profile.owner, profile.version, *times_)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=5,
)


@given(st.dictionaries(texts, json_values))
def test_the_data_of_an_event_survives(data: dict[str, Any]) -> None:
    assert codec.decode_data(codec.encode_data(data)) == data
    assert codec.decode_data(codec.encode_data(data).encode()) == data


@given(st.lists(texts))
def test_urls_survive(urls: list[str]) -> None:
    assert codec.decode_urls(codec.encode_urls(tuple(urls))) == tuple(urls)


@pytest.mark.parametrize("kept", ["", "[", "null", "7", b"\xff", '"x"', "[1]"])
def test_garbage_is_no_data_and_no_urls(kept: str | bytes) -> None:
    with pytest.raises(codec.Garbled):
        codec.decode_data(kept)
    with pytest.raises(codec.Garbled):
        codec.decode_urls(kept)


def test_garbled_is_loud_for_a_store_and_says_nothing_of_the_person() -> None:
    with pytest.raises(Unavailable) as error:
        codec.decode(codec.encode(person(name="Secret"))[:-1])
    assert "Secret" not in error.value.detail
    assert error.value.code == "garbled"
    assert error.value.__cause__ is not None


def test_a_copy_is_small() -> None:
    profile = Profile(
        id=new_id(),
        name="Ada Lovelace",
        email="ada@example.com",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert len(codec.encode(profile)) < 100


def test_an_event_is_written_as_the_api_shows_it() -> None:
    event = Event(7, new_id(), EventType.CREATED, 1, {"name": "Ada", "bio": ""}, AT, "someone")
    for each in (event, replace(event, type=EventType.DELETED, data={}, actor=None)):
        assert codec.encode_event(each) == ENCODER.encode(EventBody.of(each))
