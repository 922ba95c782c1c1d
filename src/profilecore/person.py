"""All that is held on one person: given to them in one document, and erased."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

from profilecore.access import Caller, Scope
from profilecore.errors import NotFound
from profilecore.event import Change, Event, EventType
from profilecore.image import FILES, Image, Size, key_of
from profilecore.images import collecting
from profilecore.order import Order, as_json
from profilecore.ports import Cache, Log, Profiles, Tasks, TaskUpkeep
from profilecore.profile import Profile
from profilecore.refusals import kept_changing
from profilecore.service import REREADS, ProfileService, now
from profilecore.task import Task
from profilecore.tasks import TaskService
from profilecore.written import Written

EXPORT: Final = "profile.export"
ERASE: Final = "profile.erase"
ATTEMPTS: Final = 20
"""Enough to outlast a cache that is away for an hour."""
_EVENTS_AT_ONCE: Final = 50
_TASKS_AT_ONCE: Final = 10
_BARE_AT_ONCE: Final = 500


class TasksAbout:
    """The tasks that are about one person: their payloads mention the profile's id somewhere."""

    def __init__(self, tasks: Tasks, upkeep: TaskUpkeep) -> None:
        self._tasks = tasks
        self._upkeep = upkeep

    async def read(self, profile_id: UUID) -> AsyncIterator[Sequence[Task]]:
        """All of them, the oldest first, some at a time."""
        after: UUID | None = UUID(int=0)
        while after is not None:
            mentions = await self._upkeep.mentions(str(profile_id), after)
            for start in range(0, len(mentions.ids), _TASKS_AT_ONCE):
                ids = mentions.ids[start : start + _TASKS_AT_ONCE]
                found = await self._tasks.get(ids)
                yield [found[task_id] for task_id in ids if task_id in found]
            after = mentions.last

    async def blank(self, profile_id: UUID) -> int:
        """Leave nothing in them but that id; give how many there are.

        Not in erasures, which hold nothing else. What is under way is cancelled: an export that
        runs has read what is being erased, and would keep it as its result. One that begins
        meanwhile may read, of a task that is yet to be blanked, what that says; so this goes on
        until it has found nothing more to do. Raises Conflict where that never happens.
        """
        payload = _payload(profile_id)
        for _ in range(REREADS):
            number, telling = 0, 0
            async for page in self.read(profile_id):
                about = [task for task in page if task.type != ERASE]
                tell = [t.id for t in about if t.blanked(t.updated_at, payload) is not t]
                await self._upkeep.blank(tell, payload)
                number, telling = number + len(about), telling + len(tell)
            if not telling:
                return number
        raise kept_changing(profile_id)


class PersonExport:
    """All that is held on one person, as one document of JSON.

    `media` is what the URLs of files begin with.
    """

    def __init__(self, service: ProfileService, log: Log, about: TasksAbout, media: str) -> None:
        self._service = service
        self._log = log
        self._about = about
        self._media = media

    def on(self, service: ProfileService) -> Self:
        """The same on another view of the profiles, such as of those of one owner."""
        view = copy(self)
        view._service = service
        return view

    async def open(self, profile_id: UUID) -> AsyncIterator[str]:
        """The document in pieces that stay small, however long the history is.

        Events come newest first, tasks oldest first. NotFound, before there is any piece, where
        nothing is held.
        """
        profile = (await self._service.stored([profile_id])).get(profile_id)
        newest = await self._service.history(profile_id, before=None, limit=_EVENTS_AT_ONCE)
        return self._pieces(profile_id, profile, newest)

    async def _pieces(
        self, profile_id: UUID, profile: Profile | None, newest: Sequence[Event]
    ) -> AsyncIterator[str]:
        images = [] if profile is None else [self._image(image) for image in profile.images]
        yield f'{{"profile":{as_json(_shown(profile))},"images":{as_json(images)},"events":['
        comma = ""
        while newest:
            yield comma + _listed(map(_shown_event, newest))
            comma, before = ",", newest[-1].position
            newest = await self._log.history(profile_id, before, _EVENTS_AT_ONCE)
        yield '],"tasks":['
        comma = ""
        async for tasks in self._about.read(profile_id):
            if tasks:
                yield comma + _listed(map(_shown_task, tasks))
                comma = ","
        yield "]}"

    def _image(self, image: Image) -> dict[str, Any]:
        large = image.variants[Size.LARGE]
        return {
            "id": image.id,
            "width": large.width,
            "height": large.height,
            "thumbhash": image.thumbhash,
            "created_at": _time(image.created_at),
            "files": [f"{self._media}/{key_of(image.id, file)}" for file in FILES],
        }


class PersonErasure:
    """Nothing that says something of the person stays; what was done to the profile does."""

    def __init__(
        self,
        service: ProfileService,
        profiles: Profiles,
        log: Log,
        cache: Cache,
        about: TasksAbout,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._service = service
        self._profiles = profiles
        self._log = log
        self._cache = cache
        self._about = about
        self._clock = clock

    async def run(self, profile_id: UUID) -> dict[str, Any]:
        """Erase; give the receipt, which says nothing of the person. May be repeated.

        Of images it has the number that this run has removed; their files go by tasks that are
        there once it has.
        """
        images = await self._remove(profile_id)
        # Again, though it was dropped when the profile was removed: by one who may have died then.
        for newest in await self._log.history(profile_id, None, 1):
            await self._cache.drop(profile_id, newest.version)
        # After the profile, which an export may be reading until it is gone.
        tasks = await self._about.blank(profile_id)
        return {
            **_payload(profile_id),
            "erased_at": _time(self._clock()),
            "events": await self._events(profile_id),
            "images": images,
            "tasks": tasks,
        }

    async def _remove(self, profile_id: UUID) -> int:
        removed = set[str]()
        for _ in range(REREADS):
            profile = (await self._profiles.get([profile_id])).get(profile_id)
            if profile is not None and (profile.deleted_at is None or profile.images):
                ids = [image.id for image in profile.images]
                bare = profile.bared(at=self._clock())
                orders = tuple(collecting(ids))
                change = Change(EventType.DELETED, bare, profile.version, orders=orders)
                (outcome,) = await self._service.commit([change], atomic=False)
                if isinstance(outcome, Written):  # or others were faster
                    removed.update(ids)
            await self._profiles.erase([profile_id])
            if not await self._profiles.get([profile_id]):
                return len(removed)
        raise kept_changing(profile_id)

    async def _events(self, profile_id: UUID) -> int:
        number, before = 0, None
        while page := await self._log.history(profile_id, before, _BARE_AT_ONCE):
            number, before = number + len(page), page[-1].position
        return number


class PersonService:
    """What a person can have done with all that is held on them."""

    def __init__(self, service: ProfileService, export: PersonExport, tasks: TaskService) -> None:
        self._service = service
        self._export = export
        self._tasks = tasks

    def on(self, service: ProfileService) -> Self:
        """The same on another view of the profiles, such as of those of one owner."""
        view = copy(self)
        view._service, view._export = service, self._export.on(service)
        return view

    async def export(self, profile_id: UUID) -> AsyncIterator[str]:
        """As `PersonExport.open` has it."""
        return await self._export.open(profile_id)

    async def erase(self, profile_id: UUID, caller: Caller, trace: Mapping[str, str]) -> Task:
        """Have a person erased; give the task that does it, whose result is the receipt.

        Nobody is shown the profile from now on, and the log says who asked for it. While such a
        task is under way, that one is given. NotFound where nothing was ever held.
        """
        caller.require(Scope.PROFILES_ERASE)
        await self._service.history(profile_id, before=None, limit=1)
        with suppress(NotFound):  # it was deleted before
            await self._service.remove(profile_id, expected=None, actor=caller.subject)
        order = Order(
            type=ERASE,
            payload=_payload(profile_id),
            unique_key=str(profile_id),
            max_attempts=ATTEMPTS,
            trace=trace,
        )
        return await self._tasks.submit(order, caller)


def _payload(profile_id: UUID) -> dict[str, Any]:
    return {"profile_id": str(profile_id)}


def _listed(shown: Iterable[Mapping[str, Any]]) -> str:
    return ",".join(map(as_json, shown))


def _shown(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "id": str(profile.id),
        **profile.values(),
        "version": profile.version,
        "created_at": _time(profile.created_at),
        "updated_at": _time(profile.updated_at),
        "deleted_at": None if profile.deleted_at is None else _time(profile.deleted_at),
    }


def _shown_event(event: Event) -> dict[str, Any]:
    return {
        "position": event.position,
        "profile_id": str(event.profile_id),
        "type": event.type,
        "version": event.version,
        "data": dict(event.data),
        "at": _time(event.at),
        "actor": event.actor,
    }


def _shown_task(task: Task) -> dict[str, Any]:
    """What it says of the person: its errors speak of the service."""
    return {
        "id": str(task.id),
        "type": task.type,
        "status": task.status,
        "payload": dict(task.payload),
        # An export has in it what was held then, and exports from before that in it.
        "result": None if task.type == EXPORT else task.result,
        "unique_key": task.unique_key,
        "run_at": _time(task.run_at),
        "created_at": _time(task.created_at),
        "updated_at": _time(task.updated_at),
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
