"""The operations on all that is held on one person."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream
from msgspec import Struct

from profilecore import Status
from profilecore.access import Caller
from profilecore.entrypoints.http.access import ERASE, READ
from profilecore.entrypoints.http.answers import EventBody, documented, problems
from profilecore.entrypoints.http.profiles import ID, ProfileId
from profilecore.entrypoints.http.tasks import trace_of
from profilecore.entrypoints.wire import TaskBody
from profilecore.person import PersonService

JSON = "application/json"


class HeldProfile(Struct):
    """The profile as it is stored."""

    id: UUID
    name: str
    email: str
    bio: str
    image_urls: list[str]
    owner: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class HeldImage(Struct):
    """An image that was uploaded, and where its files are."""

    id: str
    width: int
    height: int
    thumbhash: str
    created_at: datetime
    files: list[str]


class HeldTask(Struct):
    """A task that mentions the profile; the result of an export is left out."""

    id: UUID
    type: str
    status: Status
    payload: dict[str, Any]
    result: Any
    unique_key: str | None
    run_at: datetime
    created_at: datetime
    updated_at: datetime


class Person(Struct):
    """All that is held on one person: `profile` is null once it was removed for good."""

    profile: HeldProfile | None
    images: list[HeldImage]
    events: list[EventBody]
    tasks: list[HeldTask]


@get(
    ID + "/export",
    access=READ,
    operation_id="exportPerson",
    summary="Export all that is held on one person",
    responses={
        200: ResponseSpec(
            Person, description="One document", media_type=JSON, generate_examples=False
        ),
        **problems(404),
    },
)
async def export(profile_id: ProfileId, person: NamedDependency[PersonService]) -> Stream:
    """The profile, its images, its history and the tasks about it, streamed.

    Events come newest first, tasks oldest first. One that was deleted is exported as long as its
    tombstone is kept, and what is left of it after that.
    """
    document = await person.export(profile_id)
    headers = {
        "Content-Disposition": f'attachment; filename="profile-{profile_id}.json"',
        "Cache-Control": "no-store",
    }
    return Stream(document, media_type=JSON, headers=headers)


@post(
    ID + "/erase",
    status_code=HTTPStatus.ACCEPTED,
    access=ERASE,
    operation_id="erasePerson",
    summary="Erase all that is held on one person",
    response_headers=documented(Location="Where the task is"),
    responses=problems(404),
)
async def erase(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    person: NamedDependency[PersonService],
    caller: NamedDependency[Caller],
) -> Response[TaskBody]:
    """Delete the profile at once, and have all else that says something of the person removed.

    The result of the task is the receipt. Asked again meanwhile, the same task is given.
    """
    task = await person.erase(profile_id, caller, trace_of(request))
    headers = {"Location": f"/api/v1/tasks/{task.id}"}
    return Response(TaskBody.of(task), status_code=HTTPStatus.ACCEPTED, headers=headers)
