"""All that is held on one person, given and erased, on adapters in memory."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.access import ANYBODY, Caller, Scope
from profilecore.adapters.memory import MemoryBlobs, MemoryHolds
from profilecore.errors import Conflict, Denied, NotFound
from profilecore.event import EventType
from profilecore.identifiers import new_id
from profilecore.images import Collector
from profilecore.order import Order
from profilecore.person import PersonExport, PersonService
from profilecore.profile import Profile
from profilecore.schedule import TaskQuery
from profilecore.service import REREADS
from profilecore.task import Status, Task
from profilecore.tasks import Handler, Handlers, TaskService
from profilecore.tasks.builtin import builtin
from profilecore.testing.samples import (
    add,
    deleted,
    person,
    updated,
    write,
)
from tests.unit.core.doubles import Process

LEASE = timedelta(seconds=30)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
ERASER = Caller("ops|7", frozenset({Scope.PROFILES_ERASE}))


@pytest.fixture
def service(process: Process) -> PersonService:
    collector = Collector(MemoryBlobs(), MemoryHolds(process.store), process.tasks, purges=False)
    handlers = builtin(process.export, process.erasure(), collector)
    known = Handlers([*handlers, Handler(type="mail", run=print)])
    return PersonService(process.service, process.export, TaskService(process.tasks, known))


async def one(process: Process, **fields: Any) -> Profile:
    profile = person(**fields)
    await add(process.profiles, profile)
    return profile


async def ordered(process: Process, type_: str, payload: Mapping[str, Any], **asked: Any) -> Task:
    (task,) = await process.tasks.add([Order(type=type_, payload=payload, **asked)])
    assert isinstance(task, Task)
    return task


async def about(process: Process, profile: Profile, type_: str = "mail", **asked: Any) -> Task:
    return await ordered(process, type_, {"profile_id": str(profile.id)}, **asked)


async def started(process: Process, task: Task) -> Task:
    return await stepped(process, task, lambda task, at: task.started(at, LEASE))


async def done(process: Process, task: Task, result: Any) -> Task:
    await started(process, task)
    return await stepped(process, task, lambda task, at: task.succeeded(at, task.fence, result))


async def stepped(process: Process, task: Task, step: Any) -> Task:
    outcome = (await process.tasks.write({task.id: step}))[task.id]
    assert isinstance(outcome, Task), outcome
    return outcome


async def stored(process: Process, task: Task) -> Task:
    return (await process.tasks.get([task.id]))[task.id]


async def pieces(export: PersonExport, profile_id: UUID) -> list[str]:
    return [piece async for piece in await export.open(profile_id)]


async def document(export: PersonExport, profile_id: UUID) -> Any:
    return json.loads("".join(await pieces(export, profile_id)))


# Exporting


async def test_a_long_history_comes_in_small_pieces(process: Process) -> None:
    profile = await one(process)
    for number in range(1_000):
        change = {"bio": f"{number} " + "x" * 1_000}
        await process.service.update(profile.id, change, expected=None, actor=None)
        await about(process, profile)
    found = await pieces(process.export, profile.id)
    assert max(map(len, found)) < 100_000 < sum(map(len, found)) / 10
    whole = json.loads("".join(found))
    assert [event["version"] for event in whole["events"]] == list(range(1_001, 0, -1))
    ids = [task["id"] for task in whole["tasks"]]
    assert (len(ids), sorted(ids)) == (1_000, ids)


async def test_the_tasks_that_mention_a_person_are_in_it(process: Process) -> None:
    profile, other = await one(process), await one(process)
    mail = await done(process, await about(process, profile, unique_key="k"), {"to": "ada"})
    body = {"body": [{"who": str(profile.id).upper()}]}
    call = await ordered(process, "http.callback", body)
    export = await done(process, await about(process, profile, "profile.export"), {"x": "y"})
    await about(process, other)
    await ordered(process, "echo", {})
    tasks = (await document(process.export, profile.id))["tasks"]
    assert [task["id"] for task in tasks] == [str(task.id) for task in (mail, call, export)]
    time = mail.created_at.isoformat().replace("+00:00", "Z")
    assert tasks[0] == {
        "id": str(mail.id),
        "type": "mail",
        "status": "succeeded",
        "payload": {"profile_id": str(profile.id)},
        "result": {"to": "ada"},
        "unique_key": "k",
        "run_at": time,
        "created_at": time,
        "updated_at": tasks[0]["updated_at"],
    }
    assert (tasks[1]["payload"], tasks[1]["status"]) == (body, "scheduled")
    assert tasks[2]["result"] is None, "or each export would have all that were before"


async def test_an_owner_has_their_own_and_its_tombstone(process: Process) -> None:
    mine, other = await one(process, owner="me"), await one(process, owner="you")
    view = process.export.on(process.service.within("me"))
    assert (await document(view, mine.id))["profile"]["owner"] == "me"
    with pytest.raises(NotFound):
        await view.open(other.id)
    await write(process.profiles, deleted(mine), deleted(other))
    found = await document(view, mine.id)
    assert (found["profile"]["name"], len(found["events"])) == (mine.name, 2)
    with pytest.raises(NotFound):
        await view.open(other.id)
    await process.profiles.erase([mine.id])
    with pytest.raises(NotFound):
        await view.open(mine.id)
    assert (await document(process.export, mine.id))["profile"] is None, "to whoever may read all"


async def test_of_whom_nothing_is_held_there_is_no_export(process: Process) -> None:
    id_ = new_id()
    await ordered(process, "mail", {"profile_id": str(id_)})
    with pytest.raises(NotFound, match=str(id_)):
        await process.export.open(id_)


# Erasing


async def test_nothing_is_left_in_the_tasks_about_a_person(process: Process) -> None:
    profile, other = await one(process, name="Secret"), await one(process)
    secret = {"name": "Secret"}
    told = {"profile_id": str(profile.id), **secret}
    gone = [
        await done(process, await about(process, profile, "profile.export"), secret),
        await ordered(process, "http.callback", {"body": told}, delay=timedelta(days=1)),
        await started(process, await ordered(process, "mail", told, unique_key="Secret")),
        await stepped(
            process,
            await started(process, await ordered(process, "mail", told)),
            lambda task, at: task.failed(at, task.fence, "Secret", final=True),
        ),
    ]
    erasure = await started(process, await about(process, profile, "profile.erase"))
    receipt = await done(process, await about(process, profile, "profile.erase"), {"events": 1})
    kept = [erasure, receipt, await about(process, other), await ordered(process, "mail", secret)]
    found = await process.erasure().run(profile.id)
    assert (found["tasks"], found["events"]) == (4, 2)
    for task in gone:
        after = await stored(process, task)
        assert after == task.blanked(after.updated_at, {"profile_id": str(profile.id)})
        assert after.finished
        assert "Secret" not in repr(after)
    assert [await stored(process, task) for task in kept] == kept
    again = await process.erasure(lambda: NOW).run(profile.id)
    assert again == found | {"erased_at": "2026-12-01T00:00:00Z"}, "it may be repeated"


async def test_an_export_under_way_keeps_nothing(process: Process) -> None:
    """It has read the profile, and would be done after all was erased."""
    profile = await one(process, name="Secret")
    export = await started(process, await about(process, profile, "profile.export"))
    result = await document(process.export, profile.id)
    assert "Secret" in repr(result)
    await process.erasure().run(profile.id)
    refusal = await process.tasks.write(
        {export.id: lambda task, at: task.succeeded(at, export.fence, result)}
    )
    assert isinstance(refusal[export.id], Conflict)
    after = await stored(process, export)
    assert (after.status, after.result) == (Status.CANCELLED, None)


async def test_an_export_that_begins_while_the_profile_is_there_keeps_nothing(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment: what it reads is erased behind its back."""
    profile = await one(process, name="Secret")
    exports, erase = list[Task](), process.profiles.erase

    async def begin_and_erase(ids: Collection[UUID]) -> int:
        exports.append(await started(process, await about(process, profile, "profile.export")))
        assert "Secret" in repr(await document(process.export, profile.id))
        return await erase(ids)

    monkeypatch.setattr(process.profiles, "erase", begin_and_erase)
    await process.erasure().run(profile.id)
    assert [(await stored(process, task)).status for task in exports] == [Status.CANCELLED]


class Busy:
    """Has an export end just before each time that tasks are blanked, so many times."""

    def __init__(self, process: Process, profile: Profile, times: int) -> None:
        self._process = process
        self._profile = profile
        self._times = times
        self._blank: Callable[..., Any] = process.tasks.blank

    async def blank(self, ids: Collection[UUID], payload: Mapping[str, Any]) -> None:
        if self._times:
            self._times -= 1
            export = await about(self._process, self._profile, "profile.export")
            await done(self._process, export, {"name": "Secret"})
        await self._blank(ids, payload)


async def test_what_others_read_of_it_meanwhile_is_taken_away_too(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await one(process)
    await about(process, profile)
    monkeypatch.setattr(process.tasks, "blank", Busy(process, profile, REREADS - 2).blank)
    assert (await process.erasure().run(profile.id))["tasks"] == REREADS - 1
    assert "Secret" not in repr(await process.tasks.list(TaskQuery(limit=100)))


async def test_where_there_is_always_more_it_is_tried_again_later(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await one(process)
    await about(process, profile)
    monkeypatch.setattr(process.tasks, "blank", Busy(process, profile, 2 * REREADS).blank)
    with pytest.raises(Conflict, match="kept changing"):
        await process.erasure().run(profile.id)


async def test_after_it_the_export_has_what_is_left(process: Process) -> None:
    profile = await one(process, name="Secret", owner="Secret")
    await write(process.profiles, updated(profile, actor="Secret"))
    await about(process, profile)
    receipt = await process.erasure().run(profile.id)
    found = await document(process.export, profile.id)
    assert (found["profile"], found["images"]) == (None, [])
    assert [(e["data"], e["actor"]) for e in found["events"]] == [({}, None)] * 3
    assert [task["status"] for task in found["tasks"]] == ["cancelled"]
    assert "Secret" not in json.dumps([found, receipt])


# Asking for it


async def test_who_asks_for_an_erasure_is_in_the_log(
    service: PersonService, process: Process
) -> None:
    profile = await one(process)
    task = await service.erase(profile.id, ERASER, {"request_id": "r"})
    assert (task.type, task.payload) == ("profile.erase", {"profile_id": str(profile.id)})
    assert (task.status, task.trace) == (Status.SCHEDULED, {"request_id": "r"})
    with pytest.raises(NotFound):
        await process.service.read(profile.id)
    (newest, _) = await process.log.history(profile.id, None, 9)
    assert (newest.type, newest.actor) == (EventType.DELETED, "ops|7")
    again = await service.erase(profile.id, ANYBODY, {})
    assert again == task, "while it is under way"
    assert len(await process.log.history(profile.id, None, 9)) == 2


async def test_one_that_was_erased_can_be_erased_again(
    service: PersonService, process: Process
) -> None:
    """What came about them meanwhile goes, and there is another receipt."""
    profile = await one(process)
    first = await service.erase(profile.id, ERASER, {})
    await done(process, first, await process.erasure().run(profile.id))
    second = await service.erase(profile.id, ERASER, {})
    assert second.id != first.id


async def test_an_erasure_takes_the_scope_for_it(service: PersonService, process: Process) -> None:
    profile = await one(process)
    others = Caller("me", frozenset(Scope) - {Scope.PROFILES_ERASE})
    with pytest.raises(Denied):
        await service.erase(profile.id, others, {})
    assert (await process.service.read(profile.id)).profile == profile


async def test_of_whom_nothing_was_held_there_is_nothing_to_erase(
    service: PersonService, process: Process
) -> None:
    with pytest.raises(NotFound):
        await service.erase(new_id(), ERASER, {})
    assert await process.tasks.list(TaskQuery()) == []


async def test_a_view_is_of_its_owner_in_both(service: PersonService, process: Process) -> None:
    mine, other = await one(process, owner="me"), await one(process, owner="you")
    view = service.on(process.service.within("me"))
    assert [piece async for piece in await view.export(mine.id)]
    for call in (view.export(other.id), view.erase(other.id, ERASER, {})):
        with pytest.raises(NotFound):
            await call
