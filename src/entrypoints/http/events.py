"""The change log: one profile's history, and the live feed of all changes."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from profilecore.entrypoints.http.access import READ, READ_ALL
from profilecore.entrypoints.http.answers import EventBody, documented, problems
from profilecore.entrypoints.http.lists import Limit, next_link
from profilecore.entrypoints.http.profiles import ID, ProfileId
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.policy import Policy
from profilecore.entrypoints.wire import ENCODER
from profilecore.errors import Invalid, NotFound
from profilecore.feed import Feed
from profilecore.service import ProfileService

POSITION = re.compile("^[0-9]{1,18}$")
A_POSITION = {"pattern": POSITION.pattern}
CHUNK = 100
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
    summary="Follow all changes",
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
    lifecycle: NamedDependency[Lifecycle],
    policy: NamedDependency[Policy],
    after: Annotated[
        str | None,
        QueryParameter(
            description="A position: 0 for all; left out: from now on", schema_extra=A_POSITION
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            description="As `after`; a browser sends it",
            schema_extra=A_POSITION,
        ),
    ] = None,
) -> Stream:
    """Every change of every profile, in order, at least once; a comment every 15 s."""
    given = request.headers.get("last-event-id") or after
    if given is None:
        position = feed.position
    else:
        position = _position("after", given)
        await feed.read(position, 1)  # a position that is gone is refused before the stream opens
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _stream(feed, lifecycle, position, policy.heartbeat)
    return Stream(stream, media_type=EVENT_STREAM, headers=headers)


async def _stream(
    feed: Feed, lifecycle: Lifecycle, position: int, heartbeat: float
) -> AsyncIterator[bytes]:
    # The position goes first, so that a client that loses the line before any event can resume.
    yield b"retry: 2000\nid: %d\n\n" % position
    draining = asyncio.create_task(lifecycle.drained())
    try:
        while not draining.done():
            try:
                events = await feed.read(position, CHUNK)
            except NotFound:
                return  # whoever comes back with this position is told
            if events:
                position = events[-1].position
                yield b"".join(
                    b"id: %d\nevent: %s\ndata: %s\n\n"
                    % (event.position, event.type.encode(), ENCODER.encode(EventBody.of(event)))
                    for event in events
                )
            elif not await _moved(feed, position, draining, heartbeat):
                yield b": still here\n\n"
    finally:
        draining.cancel()


async def _moved(
    feed: Feed, position: int, draining: "asyncio.Task[None]", heartbeat: float
) -> bool:
    """Wait for the log to grow, for the end of the process, or for the heartbeat (False)."""
    growth = asyncio.create_task(feed.wait(position, heartbeat))
    try:
        await asyncio.wait({growth, draining}, return_when=asyncio.FIRST_COMPLETED)
        return feed.position > position or draining.done()
    finally:
        growth.cancel()


def _position(field: str, text: str) -> int:
    if not POSITION.fullmatch(text):
        raise Invalid.field(field, "must be a position such as 17", "malformed")
    return int(text)
