"""The change log: one profile's history, and the live feed of all changes."""

import re
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from profilecore.access import Scope
from profilecore.entrypoints.http.access import READ, READ_ALL, caller_of
from profilecore.entrypoints.http.answers import EventBody, documented, problems
from profilecore.entrypoints.http.following import PLACE, Follower, Place
from profilecore.entrypoints.http.lists import Limit, next_link
from profilecore.entrypoints.http.profiles import ID, ProfileId
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.policy import Policy
from profilecore.errors import Invalid
from profilecore.feed import Feed
from profilecore.service import ProfileService
from profilecore.tasks import TaskFeed

POSITION = re.compile("^[0-9]{1,18}$")
A_POSITION = {"pattern": POSITION.pattern}
A_PLACE = {"pattern": PLACE.pattern}
EVENT_STREAM = "text/event-stream"


@get(
    ID + "/events",
    access=READ,
    operation_id="readHistory",
    summary="The history of a profile",
    response_headers=documented(Link='Older events, rel="next"; none on the last page'),
    responses=problems(404),
)
async def history(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    limit: Limit = 100,
    cursor: Annotated[
        str | None,
        QueryParameter(
            description="From the Link header of the page before", schema_extra=A_POSITION
        ),
    ] = None,
) -> Response[list[EventBody]]:
    """Its events, newest first, also after it was deleted."""
    before = None if cursor is None else _position("cursor", cursor)
    events = await service.history(profile_id, before=before, limit=limit + 1)
    page = events[:limit]
    more = len(events) > limit
    headers = {"Link": next_link(request, str(page[-1].position))} if more else {}
    return Response([EventBody.of(event) for event in page], headers=headers)


@get(
    "/events",
    access=READ_ALL,
    operation_id="followEvents",
    summary="Follow all changes, and the ends of tasks",
    responses={
        200: ResponseSpec(
            str,
            description="Server-sent events; each data line is an event as JSON",
            media_type=EVENT_STREAM,
            generate_examples=False,
        ),
        **problems(410),
    },
)
async def follow(
    request: Request[Any, Any, Any],
    feed: NamedDependency[Feed],
    task_feed: NamedDependency[TaskFeed],
    lifecycle: NamedDependency[Lifecycle],
    policy: NamedDependency[Policy],
    after: Annotated[
        str | None,
        QueryParameter(
            description="A position: 0-0 for all; 17 for changes alone, and tasks from now on;"
            " left out: from now on",
            schema_extra=A_PLACE,
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            description="As `after`; a browser sends it",
            schema_extra=A_PLACE,
        ),
    ] = None,
) -> Stream:
    """Every change of every profile and every end of a task, each in order and at least once.

    A comment every 15 s. Ends of tasks (task.succeeded, task.dead) are for callers with tasks:read;
    a profile that a task has changed comes before the end of that.
    """
    given = request.headers.get("last-event-id") or after
    place = Place(feed.position, None) if given is None else Place.parse(given)
    told = task_feed if Scope.TASKS_READ in caller_of(request).scopes else None
    if told is not None and place.endings is None:
        place = Place(place.changes, await told.position())
    follower = Follower(feed, told, lifecycle, place, policy.heartbeat)
    if given is not None:
        await follower.check()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(follower.stream(), media_type=EVENT_STREAM, headers=headers)


def _position(field: str, text: str) -> int:
    if not POSITION.fullmatch(text):
        raise Invalid.field(field, "must be a position such as 17", "malformed")
    return int(text)
