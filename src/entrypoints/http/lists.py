"""Lists of profiles: pages, filters, and the export of all."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from profilecore import rules
from profilecore.entrypoints.http.access import READ, READ_ALL
from profilecore.entrypoints.http.answers import documented, problems
from profilecore.entrypoints.http.reading import ConsistencyToken, consistency_position
from profilecore.entrypoints.policy import Policy
from profilecore.entrypoints.wire import ENCODER, ProfileBody
from profilecore.errors import Invalid
from profilecore.paging import IDS_MAX, LIMIT_MAX, Count, Cursor, Query, Sort
from profilecore.service import ProfileService

_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="How many at most")]
IDS = f"^{_ID}(,{_ID}){{0,{IDS_MAX - 1}}}$"
NDJSON = "application/x-ndjson"


@get(
    access=READ,
    operation_id="listProfiles",
    summary="List profiles",
    response_headers=documented(
        Link='The next page, rel="next"; none on the last one',
        X_Total_Count="How many profiles match, where count asks for it",
    ),
    responses=problems(),
)
async def index(  # noqa: PLR0913, PLR0917 - one for each parameter of the operation
    request: Request[Any, Any, Any],
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    limit: Limit = 100,
    cursor: Annotated[
        str | None, QueryParameter(description="From the Link header of the page before")
    ] = None,
    email: Annotated[
        str | None, QueryParameter(description="Exactly this email, without regard to case")
    ] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=rules.NAME_MAX,
            description="Anywhere in name or email, without regard to case",
        ),
    ] = None,
    ids: Annotated[
        str | None,
        QueryParameter(
            description=f"At most {IDS_MAX} ids, separated by commas",
            schema_extra={"pattern": IDS},
        ),
    ] = None,
    sort: Annotated[
        Sort, QueryParameter(description="A minus sign means descending")
    ] = Sort.NEWEST,
    count: Annotated[
        Count, QueryParameter(description="Whether to count all that match")
    ] = Count.NONE,
    consistency_token: ConsistencyToken = None,
) -> Response[list[ProfileBody]]:
    """One page, newest first; filters are combined. Deleted profiles are not listed."""
    query = Query(
        limit=limit,
        sort=sort,
        after=None if cursor is None else Cursor.decode(cursor, sort),
        ids=None if ids is None else _ids(ids),
        email=email,
        q=q,
        count=count,
    )
    page = await service.list(query, seen=consistency_position(request.scope))
    headers: dict[str, str] = {}
    if page.next is not None:
        headers["Link"] = next_link(request, page.next.encode())
    if page.total is not None:
        headers["X-Total-Count"] = str(page.total)
    bodies = [ProfileBody.of(profile, policy.media) for profile in page.profiles]
    return Response(bodies, headers=headers)


@get(
    "/export",
    access=READ_ALL,
    operation_id="exportProfiles",
    summary="Export all profiles",
    responses={
        200: ResponseSpec(
            str,
            description="One profile a line",
            media_type=NDJSON,
            generate_examples=False,
        ),
        **problems(),
    },
)
async def export(
    service: NamedDependency[ProfileService], policy: NamedDependency[Policy]
) -> Stream:
    """Every profile, oldest first, one JSON document a line, streamed."""
    return Stream(_lines(service, policy.media), media_type=NDJSON)


async def _lines(service: ProfileService, media: str) -> AsyncIterator[bytes]:
    async for profiles in service.export():
        yield ENCODER.encode_lines([ProfileBody.of(profile, media) for profile in profiles])


def next_link(request: Request[Any, Any, Any], cursor: str) -> str:
    """A Link header (RFC 8288) to the same list from `cursor` on."""
    params = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    target = f"{request.scope['path']}?{urlencode([*params, ('cursor', cursor)])}"
    return f'<{target}>; rel="next"'


def _ids(text: str) -> frozenset[UUID]:
    parts = text.split(",")
    if len(parts) > IDS_MAX:
        raise Invalid.field("ids", f"must be at most {IDS_MAX} ids, not {len(parts)}", "malformed")
    try:
        return frozenset(UUID(part.strip()) for part in parts)
    except ValueError as error:
        raise Invalid.field("ids", "must be UUIDs separated by commas", "malformed") from error
