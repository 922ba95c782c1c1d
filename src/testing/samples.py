"""Profiles and changes to play with."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.image import EDGES, Format, Image, Variant
from profilecore.ports import Profiles
from profilecore.profile import Profile

AT = datetime(2026, 3, 1, 12, 30, 15, 123_457, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NEW_ERA = (1 << 40) + 1

_numbers = count(1)


def person(**fields: Any) -> Profile:
    """A new profile with an email of its own."""
    number = next(_numbers)
    given: dict[str, Any] = {"name": f"Person {number}", "email": f"p{number}@example.com"}
    given |= {"id": new_id(), "created_at": AT + number * SECOND}
    return Profile(**{"updated_at": given["created_at"]} | given | fields)


def picture(seed: int | None = None, at: datetime = AT) -> Image:
    """What is kept of an image; two of the same seed are the same."""
    id_ = hashlib.sha256(str(next(_numbers) if seed is None else -seed).encode()).hexdigest()
    variants = {
        size: Variant(edge, edge - 1, {Format.WEBP: edge * 10, Format.JPEG: edge * 20})
        for size, edge in EDGES.items()
    }
    return Image(
        id=id_, thumbhash="YTkGJwaRhWUIt4lbgnhZl3ath2BUBGYA", variants=variants, created_at=at
    )


def full_person() -> Profile:
    """A profile whose fields are all unlike their defaults and hard to keep."""
    return person(
        name="Žofia O'Neil-ßüß 李 \U0001f600",
        email="Zo.É+tag@Bücher.example",
        bio="two\nlines\tand 'quotes' \"\\ % _ \u00e9 e\u0301 " + "x" * 9_000,
        image_urls=("https://example.com/a.png?x=1&y=%20", "http://bücher.example/ü"),
        owner="subject|42 ü",
        version=7,
        created_at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        updated_at=datetime(9999, 12, 31, 22, 59, 59, 999_999, tzinfo=UTC),
    )


def created(profile: Profile, actor: str | None = None) -> Change:
    return Change(EventType.CREATED, profile, 0, actor)


def updated(profile: Profile, actor: str | None = None, **values: object) -> Change:
    revised = profile.revised(values, at=profile.updated_at + SECOND)
    return Change(EventType.UPDATED, revised, profile.version, actor)


def deleted(profile: Profile, at: datetime | None = None) -> Change:
    removed = profile.removed(at=at or profile.updated_at + SECOND)
    return Change(EventType.DELETED, removed, profile.version)


def restored(profile: Profile) -> Change:
    alive = profile.restored(at=profile.updated_at + SECOND)
    return Change(EventType.RESTORED, alive, profile.version)


async def write(profiles: Profiles, *changes: Change) -> list[Event]:
    """Write changes of which none may be refused."""
    events = await profiles.write(changes, atomic=True)
    assert all(isinstance(event, Event) for event in events)
    return [event for event in events if isinstance(event, Event)]


async def add(profiles: Profiles, *people: Profile) -> list[Event]:
    return await write(profiles, *map(created, people))
