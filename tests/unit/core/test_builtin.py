"""The types of tasks that come with the core, on adapters in memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from profilecore.adapters.memory import MemoryBlobs, MemoryHolds
from profilecore.errors import Conflict, Invalid, Unavailable
from profilecore.event import EventType
from profilecore.identifiers import new_id
from profilecore.images import Collector
from profilecore.profile import Profile
from profilecore.service import REREADS
from profilecore.tasks import Attempt, Context, GiveUp, Handlers
from profilecore.tasks.builtin import builtin
from profilecore.tasks.verdict import RESULT_MAX
from profilecore.testing.samples import (
    AT,
    add,
    created,
    deleted,
    full_person,
    person,
    picture,
    restored,
    write,
)
from tests.unit.core.doubles import Process

NOW = datetime(2026, 11, 22, 12, 0, 0, 5, UTC)
SECRETS = ("Topsecretname", "topsecret@example.com", "Topsecretbio", "topsecretowner")


@pytest.fixture
def handlers(process: Process) -> Handlers:
    collector = Collector(MemoryBlobs(), MemoryHolds(process.store), process.tasks, purges=False)
    return Handlers(builtin(process.export, process.erasure(lambda: NOW), collector))


async def run(handlers: Handlers, type_: str, payload: Mapping[str, Any]) -> Any:
    """What the handler gives, as JSON keeps it."""
    handlers.check(type_, payload)
    context = Context(Attempt(new_id(), 1, 5), type_)
    result = await handlers[type_].run(context, payload)
    assert json.loads(json.dumps(result)) == result
    return result


def secret() -> Profile:
    name, email, bio, owner = SECRETS
    return person(name=name, email=email, bio=bio, owner=owner)


async def test_echo_gives_its_payload(handlers: Handlers) -> None:
    payload = {"any": ["thing", {"at": 1.5}], "ü": None}
    assert await run(handlers, "echo", payload) == payload


@pytest.mark.parametrize("type_", ["profile.export", "profile.erase"])
@pytest.mark.parametrize(
    ("payload", "field", "says"),
    [
        ({}, "profile_id", "must be a UUID"),
        ({"profile_id": None}, "profile_id", "must be a UUID"),
        ({"profile_id": 7}, "profile_id", "must be a UUID"),
        ({"profile_id": "ada"}, "profile_id", "must be a UUID"),
        ({"profile_id": f"{{{new_id()}}}"}, "profile_id", "must be a UUID"),
        ({"profile_id": [str(new_id())]}, "profile_id", "must be a UUID"),
        ({"profile_id": str(new_id()), "why": "x"}, "why", "takes profile_id"),
    ],
)
def test_a_payload_that_names_no_profile_is_refused(
    handlers: Handlers, type_: str, payload: Mapping[str, Any], field: str, says: str
) -> None:
    with pytest.raises(Invalid) as raised:
        handlers.check(type_, payload)
    (error,) = raised.value.errors
    assert error.field == f"payload.{field}"
    assert says in error.message


# Exporting


async def test_an_export_has_all_fields(handlers: Handlers, process: Process) -> None:
    east = timezone(timedelta(hours=2))
    image = picture()
    await MemoryHolds(process.store).hold(image.id, "a", timedelta(minutes=1))
    profile = replace(full_person(), images=(image,))
    elsewhere = person(created_at=AT.astimezone(east), updated_at=AT)
    await add(process.profiles, profile, elsewhere)
    found = await run(handlers, "profile.export", {"profile_id": str(profile.id).upper()})
    assert found["profile"] == {
        "id": str(profile.id),
        "name": profile.name,
        "email": profile.email,
        "bio": profile.bio,
        "image_urls": list(profile.image_urls),
        "owner": profile.owner,
        "version": 7,
        "created_at": "1969-12-31T23:59:59.999999Z",
        "updated_at": "9999-12-31T22:59:59.999999Z",
        "deleted_at": None,
    }
    sizes = [(size, kind) for size in ("thumb", "medium", "large") for kind in ("webp", "jpg")]
    assert found["images"] == [
        {
            "id": image.id,
            "width": 1600,
            "height": 1599,
            "thumbhash": image.thumbhash,
            "created_at": "2026-03-01T12:30:15.123457Z",
            "files": [f"/media/{image.id[:2]}/{image.id}/{size}.{kind}" for size, kind in sizes],
        }
    ]
    assert (len(found["events"]), found["tasks"]) == (1, [])
    found = await run(handlers, "profile.export", {"profile_id": str(elsewhere.id)})
    assert found["profile"]["created_at"] == "2026-03-01T12:30:15.123457Z"


async def test_an_export_has_the_whole_history_newest_first(
    handlers: Handlers, process: Process
) -> None:
    profile = (await process.service.create({"name": "0", "email": "a@x.de"}, actor="me")).profile
    for number in range(1, 700):
        await process.service.update(profile.id, {"name": str(number)}, expected=None, actor=None)
    found = await run(handlers, "profile.export", {"profile_id": str(profile.id)})
    assert [event["version"] for event in found["events"]] == list(range(700, 0, -1))
    assert found["events"][-1] == {
        "position": 1,
        "profile_id": str(profile.id),
        "type": "profile.created",
        "version": 1,
        "data": {
            "name": "0",
            "email": "a@x.de",
            "bio": "",
            "image_urls": [],
            "images": [],
            "owner": "me",
            "created_at": found["profile"]["created_at"],
        },
        "at": found["events"][-1]["at"],
        "actor": "me",
    }


async def test_an_export_has_a_tombstone_with_its_values(
    handlers: Handlers, process: Process
) -> None:
    profile = secret()
    await add(process.profiles, profile)
    await write(process.profiles, deleted(profile, NOW))
    found = await run(handlers, "profile.export", {"profile_id": str(profile.id)})
    assert (found["profile"]["name"], found["profile"]["version"]) == ("Topsecretname", 2)
    assert found["profile"]["deleted_at"] == "2026-11-22T12:00:00.000005Z"
    assert [e["type"] for e in found["events"]] == ["profile.deleted", "profile.created"]


async def test_an_export_of_nobody_gives_up(handlers: Handlers) -> None:
    id_ = str(new_id())
    with pytest.raises(GiveUp, match=f"no profile {id_}"):
        await run(handlers, "profile.export", {"profile_id": id_})


async def test_an_export_stays_within_what_a_result_may_have(
    handlers: Handlers, process: Process
) -> None:
    profile = person(bio="ü" * 10_000)
    await add(process.profiles, profile)
    for number in range(30):
        await process.service.update(profile.id, {"name": str(number)}, expected=None, actor=None)
        try:
            found = await run(handlers, "profile.export", {"profile_id": str(profile.id)})
        except GiveUp as given_up:
            assert number > 8
            assert "than 262,144 bytes" in str(given_up)  # noqa: PT017 - either end will do
            return
        assert len(json.dumps(found, ensure_ascii=False).encode()) <= RESULT_MAX
    raise AssertionError


# Erasing


def everything(process: Process) -> str:
    store = process.profiles._store
    return repr((store.rows, store.emails, store.events))


@pytest.mark.parametrize("alive", [True, False])
async def test_an_erasure_leaves_no_personal_data(
    handlers: Handlers, process: Process, alive: bool
) -> None:
    profile = secret()
    await add(process.profiles, profile, other := person())
    await process.service.update(profile.id, {"bio": "Topsecretbio2"}, expected=None, actor=None)
    await process.service.read(other.id)
    if not alive:
        await process.service.remove(profile.id, expected=None, actor=None)
    receipt = await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert receipt == {
        "profile_id": str(profile.id),
        "erased_at": "2026-11-22T12:00:00.000005Z",
        "events": 3,
        "images": 0,
        "tasks": 0,
    }
    for word in SECRETS:
        assert word not in everything(process)
    history = await process.log.history(profile.id, None, 10)
    types = [EventType.DELETED, EventType.UPDATED, EventType.CREATED]
    assert [(event.type, event.data) for event in history] == [(type_, {}) for type_ in types]
    assert not isinstance((await process.cache.get([profile.id])).get(profile.id), Profile)
    assert (await process.cache.get([other.id]))[other.id] == other
    assert await process.profiles.get([profile.id, other.id]) == {other.id: other}


async def test_an_erasure_may_be_repeated(handlers: Handlers, process: Process) -> None:
    profile = secret()
    await add(process.profiles, profile)
    payload = {"profile_id": str(profile.id)}
    receipts = [await run(handlers, "profile.erase", payload) for _ in range(3)]
    assert receipts[0] == receipts[1] == receipts[2]
    assert len(await process.log.history(profile.id, None, 10)) == 2


async def test_of_whom_nothing_is_held_nothing_is_erased(handlers: Handlers) -> None:
    receipt = await run(handlers, "profile.erase", {"profile_id": str(new_id())})
    assert receipt["events"] == 0


async def test_one_that_was_interrupted_drops_the_copy_at_last(
    handlers: Handlers, process: Process
) -> None:
    """The row was removed by a process that died before it told the cache."""
    profile = secret()
    await add(process.profiles, profile)
    await process.cache.put(profile)
    await write(process.profiles, deleted(profile))
    await process.profiles.erase([profile.id])
    assert (await process.cache.get([profile.id]))[profile.id] == profile
    await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert await process.cache.get([profile.id]) == {}


async def test_a_cache_that_fails_fails_the_erasure(handlers: Handlers, process: Process) -> None:
    profile = secret()
    await add(process.profiles, profile)
    process.cache.down = True
    with pytest.raises(Unavailable):
        await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    process.cache.down = False
    receipt = await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert receipt["events"] == 2


class Restored:
    """Restores the profile behind each deletion, so many times."""

    def __init__(self, process: Process, times: int) -> None:
        self._process = process
        self._erase = process.profiles.erase
        self._times = times

    async def erase(self, ids: Any) -> int:
        if self._times:
            self._times -= 1
            (tombstone,) = (await self._process.profiles.get(ids)).values()
            await write(self._process.profiles, restored(tombstone))
        return await self._erase(ids)


async def test_one_that_is_restored_meanwhile_is_erased_all_the_same(
    handlers: Handlers, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = secret()
    await add(process.profiles, profile)
    monkeypatch.setattr(process.profiles, "erase", Restored(process, 2).erase)
    receipt = await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert receipt["events"] == 6
    newest = (await process.log.history(profile.id, None, 1))[0]
    assert newest.type is EventType.DELETED
    for word in SECRETS:
        assert word not in everything(process)


async def test_one_that_is_restored_each_time_is_tried_again_later(
    handlers: Handlers, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = secret()
    await write(process.profiles, created(profile))
    monkeypatch.setattr(process.profiles, "erase", Restored(process, REREADS).erase)
    with pytest.raises(Conflict, match="kept changing"):
        await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
