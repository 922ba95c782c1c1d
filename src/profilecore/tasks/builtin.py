"""The types of tasks that come with the core."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from profilecore.access import Scope
from profilecore.errors import FieldError, Invalid
from profilecore.event import Change, Event, EventType
from profilecore.image import is_id
from profilecore.images import AT_ONCE, COLLECT, Collector, collecting
from profilecore.ports import Cache, Log, Profiles
from profilecore.profile import Profile
from profilecore.service import REREADS, ProfileService, kept_changing, not_found
from profilecore.tasks.handlers import Context, GiveUp, Handler
from profilecore.tasks.verdict import RESULT_MAX

_AT_ONCE: Final = 500


def _now() -> datetime:
    return datetime.now(UTC)


def builtin(
    service: ProfileService,
    profiles: Profiles,
    log: Log,
    cache: Cache,
    collector: Collector,
    *,
    clock: Callable[[], datetime] = _now,
) -> list[Handler]:
    """The handlers of the types that are the service's own, on what it stands on.

    A cache that fails fails the task, which is then tried again.
    """
    export = _Export(profiles, log)
    erasure = _Erasure(service, profiles, log, cache, clock)
    collection = _Collection(collector)
    return [
        Handler(type="echo", run=_echo),
        Handler(type="profile.export", run=export.run, check=_check, scopes=[Scope.PROFILES_READ]),
        Handler(type="profile.erase", run=erasure.run, check=_check, scopes=[Scope.PROFILES_ERASE]),
        Handler(type=COLLECT, run=collection.run, check=_check_images, scopes=[Scope.OPS]),
    ]


async def _echo(context: Context, payload: Mapping[str, Any]) -> Any:
    return dict(payload)


class _Export:
    """All that is held on one person, as one document; the newest event first."""

    def __init__(self, profiles: Profiles, log: Log) -> None:
        self._profiles = profiles
        self._log = log

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        profile_id = _profile_id(payload)
        profile = (await self._profiles.get([profile_id])).get(profile_id)
        document: dict[str, Any] = {"profile": _shown(profile), "events": []}
        size = _size(document)
        async for page in _history(self._log, profile_id):
            shown = [_shown_event(event) for event in page]
            size += sum(map(_size, shown)) + len(shown)
            if size > RESULT_MAX:
                raise GiveUp(
                    f"What is held on profile {profile_id} has more than {RESULT_MAX:,} bytes, the"
                    " most that a result can have: read it in pages, as its profile and its events."
                )
            document["events"] += shown
        if profile is None and not document["events"]:
            raise GiveUp(not_found(profile_id).detail)
        return document


class _Erasure:
    """Nothing that says something of the person stays; what was done to the profile does."""

    def __init__(
        self,
        service: ProfileService,
        profiles: Profiles,
        log: Log,
        cache: Cache,
        clock: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._profiles = profiles
        self._log = log
        self._cache = cache
        self._clock = clock

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        profile_id = _profile_id(payload)
        await self._remove(profile_id)
        # Again, though it was dropped when the profile was removed: by one who may have died then.
        for newest in await self._log.history(profile_id, None, 1):
            await self._cache.drop(profile_id, newest.version)
        events = 0
        async for page in _history(self._log, profile_id):
            events += len(page)
        return {
            "profile_id": str(profile_id),
            "erased_at": _time(self._clock()),
            "events": events,
        }

    async def _remove(self, profile_id: UUID) -> None:
        for _ in range(REREADS):
            profile = (await self._profiles.get([profile_id])).get(profile_id)
            if profile is not None and (profile.deleted_at is None or profile.images):
                # The files of its images go by tasks that are there once it has none.
                orders = tuple(collecting([image.id for image in profile.images]))
                bare = profile.bared(at=self._clock())
                change = Change(EventType.DELETED, bare, profile.version, orders=orders)
                await self._service.commit([change], atomic=False)  # or others were faster
            await self._profiles.erase([profile_id])
            if not await self._profiles.get([profile_id]):
                return
        raise kept_changing(profile_id)


class _Collection:
    """The files of images that nobody uses."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        return {"removed": list(await self._collector.collect(_image_ids(payload)))}


async def _history(log: Log, profile_id: UUID) -> AsyncIterator[Sequence[Event]]:
    before: int | None = None
    while page := await log.history(profile_id, before, _AT_ONCE):
        yield page
        before = page[-1].position


def _check(payload: Mapping[str, Any]) -> None:
    _profile_id(payload)


def _only(field: str, payload: Mapping[str, Any]) -> None:
    unknown = sorted(payload.keys() - {field})
    if unknown:
        errors = [FieldError(name, f"is not known; it takes {field}") for name in unknown]
        raise Invalid(f"Not valid: {', '.join(unknown)}.", errors=errors)


def _image_ids(payload: Mapping[str, Any]) -> Sequence[str]:
    _only("image_ids", payload)
    ids = payload.get("image_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= AT_ONCE or not all(map(is_id, ids)):
        message = f"must be a list of 1 to {AT_ONCE} ids of images"
        raise Invalid.field("image_ids", message)
    return ids


def _check_images(payload: Mapping[str, Any]) -> None:
    _image_ids(payload)


def _profile_id(payload: Mapping[str, Any]) -> UUID:
    _only("profile_id", payload)
    text = payload.get("profile_id")
    try:
        found: UUID | None = UUID(text if isinstance(text, str) else "")
    except ValueError:
        found = None
    if found is None or str(found) != str(text).lower():
        message = "must be a UUID such as 01a204d6-1f05-79bc-a47b-709afa94b9d8"
        raise Invalid.field("profile_id", message)
    return found


def _shown(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "id": str(profile.id),
        **profile.values(),
        "image_urls": list(profile.image_urls),
        "images": [{"id": i.id, "created_at": _time(i.created_at)} for i in profile.images],
        "version": profile.version,
        "created_at": _time(profile.created_at),
        "updated_at": _time(profile.updated_at),
        "deleted_at": None if profile.deleted_at is None else _time(profile.deleted_at),
    }


def _shown_event(event: Event) -> dict[str, Any]:
    return {
        "position": event.position,
        "type": event.type.value,
        "version": event.version,
        "data": dict(event.data),
        "at": _time(event.at),
        "actor": event.actor,
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _size(shown: Any) -> int:
    return len(json.dumps(shown, ensure_ascii=False).encode())
