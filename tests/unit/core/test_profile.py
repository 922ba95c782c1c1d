"""Profiles: frozen, checked, one version after the other."""

import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from profilecore.errors import Conflict, Invalid
from profilecore.event import Change, EventType
from profilecore.identifiers import new_id
from profilecore.image import Image
from profilecore.profile import Profile
from profilecore.testing.samples import (
    AT,
    SECOND,
    created,
    deleted,
    full_person,
    person,
    picture,
    restored,
    updated,
)


def test_a_profile_is_made_from_what_a_caller_may_write() -> None:
    id_ = new_id()
    profile = Profile.created({"name": " Ada ", "email": "A@x.de"}, id=id_, owner="me", at=AT)
    assert profile == Profile(
        id=id_, name="Ada", email="A@x.de", owner="me", created_at=AT, updated_at=AT
    )
    assert (profile.bio, profile.image_urls, profile.version) == ("", (), 1)
    assert (profile.email_key, profile.name_key) == ("a@x.de", "ada")


@pytest.mark.parametrize("field", ["id", "version", "created_at", "deleted_at", "role"])
def test_no_other_field_can_be_set(field: str) -> None:
    values = {"name": "Ada", "email": "a@x.de", field: "x"}
    with pytest.raises(Invalid):
        Profile.created(values, id=new_id(), owner=None, at=AT)
    with pytest.raises(Invalid):
        person().revised({field: "x"}, at=AT)


def test_what_breaks_a_rule_is_no_profile() -> None:
    for wrong in ({"name": ""}, {"version": 0}, {"email": "x"}):
        with pytest.raises(Invalid):
            person(**wrong)
    for field in ("created_at", "updated_at"):
        with pytest.raises(Invalid) as refused:
            person(**{field: datetime(2026, 1, 1)})  # noqa: DTZ001 - it lacks a zone on purpose
        assert [e.field for e in refused.value.errors] == [field]


def test_a_profile_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        person().name = "x"  # type: ignore[misc]


def test_a_change_makes_the_next_version() -> None:
    first = person()
    at = first.updated_at + SECOND
    second = first.revised({"bio": "x", "image_urls": ["http://a"]}, at=at)
    assert (second.version, second.bio, second.image_urls) == (2, "x", ("http://a",))
    assert (second.name, second.created_at, second.updated_at) == (first.name, first.created_at, at)
    gone = second.removed(at=at + SECOND)
    assert (gone.version, gone.deleted_at, gone.name) == (3, at + SECOND, first.name)
    back = gone.restored(at=at + 2 * SECOND)
    assert (back.version, back.deleted_at, back.updated_at) == (4, None, at + 2 * SECOND)


def test_what_is_not_deleted_cannot_be_restored() -> None:
    with pytest.raises(Conflict) as refused:
        person().restored(at=AT)
    assert refused.value.code == "not_deleted"


def test_a_clock_that_went_back_does_not_age_a_profile() -> None:
    first = person()
    assert first.revised({}, at=AT - timedelta(days=1)).updated_at == first.updated_at


def test_stored_values_are_not_checked_again() -> None:
    fields = {name: getattr(person(), name) for name in Profile.__slots__}
    assert Profile.stored(**fields | {"name": ""}).name == ""


def test_an_event_holds_the_values_after_the_write() -> None:
    first = person(image_urls=("http://a",), owner="o")
    event = created(first, actor="me").event(5)
    assert (event.position, event.profile_id, event.version) == (5, first.id, 1)
    assert (event.type, event.at, event.actor) == (EventType.CREATED, first.updated_at, "me")
    assert event.data == {
        "name": first.name,
        "email": first.email,
        "bio": "",
        "image_urls": ["http://a"],
        "images": [],
        "owner": "o",
        "created_at": first.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert deleted(first).event(6).data == {}


@pytest.mark.parametrize("images", [(), (picture(), picture())])
def test_an_event_gives_the_profile_again(images: tuple[Image, ...]) -> None:
    """Also from where it was kept as JSON, and whatever the zone of its times."""
    east = timezone(timedelta(hours=2))
    first = replace(full_person(), images=images, version=1)
    elsewhere = person(created_at=AT.astimezone(east))
    for change in (created(first), updated(first, bio="x"), created(elsewhere)):
        event = change.event(5)
        kept = replace(event, data=json.loads(json.dumps(event.data)))
        assert kept.profile() == event.profile() == change.profile
    tombstone = deleted(first).event(6).profile()
    assert tombstone is not None
    assert (tombstone.id, tombstone.version, tombstone.name) == (first.id, 2, "")
    assert tombstone.deleted_at == deleted(first).profile.deleted_at
    assert replace(created(first).event(5), data={}).profile() is None, "it was purged"


def test_an_event_may_have_a_time_of_its_own() -> None:
    late = datetime(2030, 1, 1, tzinfo=UTC)
    assert Change(EventType.CREATED, person(), 0, at=late).event(1).at == late


def test_why_a_change_is_refused() -> None:
    first = person()
    gone = deleted(first)
    cases = [
        (created(first), None, False, None),
        (created(first), None, True, "email_taken"),
        (created(first), 1, True, "id_taken"),
        (updated(first), 1, False, None),
        (updated(first), 1, True, "email_taken"),
        (updated(first), 2, True, "stale_version"),
        (updated(first), None, False, "stale_version"),
        (gone, 1, True, None),
        (restored(gone.profile), 2, True, "email_taken"),
    ]
    for change, stored, taken, code in cases:
        refusal = change.refusal(stored, email_taken=taken)
        assert (refusal and refusal.code) == code
        if code == "stale_version" and refusal:
            assert refusal.version == stored
