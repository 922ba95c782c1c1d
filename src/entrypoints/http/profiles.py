"""The operations on one profile."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import Body, HeaderParameter, JSONBody, PathParameter

from profilecore.access import Caller
from profilecore.entrypoints.http.access import READ, WRITE, owned
from profilecore.entrypoints.http.answers import (
    ONCE_HEADERS,
    WRITE_HEADERS,
    ProfileReading,
    documented,
    problems,
    read_headers,
    written,
    written_headers,
)
from profilecore.entrypoints.http.bodies import NewProfile, ProfileChanges, ProfilePatch, given
from profilecore.entrypoints.http.idempotency import IdempotencyKey, Keys
from profilecore.entrypoints.http.reading import (
    ConsistencyToken,
    JsonBody,
    consistency_position,
    expected_versions,
    not_modified,
)
from profilecore.entrypoints.policy import Policy
from profilecore.entrypoints.wire import ProfileBody
from profilecore.service import ProfileService

BODY_MAX = 256 * 1024  # bytes: a bio of 10,000 characters takes 120,000 when all are escaped
ID = "/{profile_id:uuid}"

ProfileId = Annotated[UUID, PathParameter(description="The id that POST gave")]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description='The ETag of what you read, such as "v7"'),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match", description="The ETag of what you have: 304 if it stands"
    ),
]
"""The header parameters document; the functions of `reading` read them with better errors."""


@post(
    dto=JsonBody,
    return_dto=None,
    request_max_body_size=BODY_MAX,
    access=WRITE,
    operation_id="createProfile",
    summary="Create a profile",
    response_headers=[*ONCE_HEADERS, *documented(Location="Where the profile is")],
    responses=problems(409, 410, 413, 415, 422),
)
async def create(
    request: Request[Any, Any, Any],
    data: JSONBody[NewProfile],
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    keys: NamedDependency[Keys],
    idempotency_key: IdempotencyKey = None,
) -> Response[ProfileBody]:
    """Make a profile. The email must not be another profile's, without regard to case."""
    values = owned(given(data), caller)
    async with keys.receipt(request, await request.body()) as receipt:
        outcome = await service.create(values, actor=caller.subject, receipt=receipt)
    response = written(outcome, HTTPStatus.CREATED, policy)
    response.headers["Location"] = f"/api/v1/profiles/{outcome.profile.id}"
    return response


@get(
    ID,
    access=READ,
    operation_id="readProfile",
    summary="Read a profile",
    response_headers=documented(
        ETag="The version", X_Cache="hit, miss or fallback: what the cache did"
    ),
    responses=problems(404),
)
async def read(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    in_fallback: NamedDependency[Callable[[], bool]],
    policy: NamedDependency[Policy],
    if_none_match: IfNoneMatch = None,
    consistency_token: ConsistencyToken = None,
) -> Response[ProfileReading]:
    """Give the profile and say whether it came from the cache or the database."""
    reading = await service.read(profile_id, seen=consistency_position(request.scope))
    headers = read_headers(reading, in_fallback())
    if not_modified(request.scope, reading.profile.version):
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)  # type: ignore[arg-type]
    body = ProfileBody.of(reading.profile, policy.media)
    return Response(ProfileReading(body, reading.source), headers=headers)


@put(
    ID,
    dto=JsonBody,
    return_dto=None,
    request_max_body_size=BODY_MAX,
    access=WRITE,
    operation_id="updateProfile",
    summary="Change a profile",
    response_headers=WRITE_HEADERS,
    responses=problems(404, 409, 412, 413, 415, 422, 428),
)
async def update(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    data: JSONBody[ProfileChanges],
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    if_match: IfMatch = None,
) -> Response[ProfileBody]:
    """Change the fields given; one that is left out stays as it is."""
    expected = expected_versions(request, policy.require_if_match)
    outcome = await service.update(
        profile_id, owned(given(data), caller), expected=expected, actor=caller.subject
    )
    return written(outcome, HTTPStatus.OK, policy)


@patch(
    ID,
    dto=JsonBody,
    return_dto=None,
    request_max_body_size=BODY_MAX,
    access=WRITE,
    operation_id="patchProfile",
    summary="Change a profile by a JSON merge patch",
    response_headers=WRITE_HEADERS,
    responses=problems(404, 409, 412, 413, 415, 422, 428),
)
async def merge(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    data: Annotated[ProfilePatch, Body(media_type="application/merge-patch+json")],
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    if_match: IfMatch = None,
) -> Response[ProfileBody]:
    """Change the fields given (RFC 7396): null clears bio and image_urls."""
    expected = expected_versions(request, policy.require_if_match)
    outcome = await service.update(
        profile_id, owned(data.values(), caller), expected=expected, actor=caller.subject
    )
    return written(outcome, HTTPStatus.OK, policy)


@delete(
    ID,
    access=WRITE,
    operation_id="deleteProfile",
    summary="Delete a profile",
    response_headers=WRITE_HEADERS,
    responses=problems(404, 412, 428),
)
async def remove(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    if_match: IfMatch = None,
) -> Response[None]:
    """Delete the profile; for a time it can be restored."""
    expected = expected_versions(request, policy.require_if_match)
    outcome = await service.remove(profile_id, expected=expected, actor=caller.subject)
    return Response(None, status_code=HTTPStatus.NO_CONTENT, headers=written_headers(outcome))


@post(
    ID + "/restore",
    status_code=HTTPStatus.OK,
    access=WRITE,
    operation_id="restoreProfile",
    summary="Bring a deleted profile back",
    response_headers=ONCE_HEADERS,
    responses=problems(404, 409, 410, 412, 422),
)
async def restore(  # noqa: PLR0913, PLR0917 - one for each parameter of the operation
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    keys: NamedDependency[Keys],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[ProfileBody]:
    """Undo the deletion, unless another profile has taken the email meanwhile."""
    expected = expected_versions(request, required=False)
    async with keys.receipt(request, await request.body()) as receipt:
        outcome = await service.restore(
            profile_id, expected=expected, actor=caller.subject, receipt=receipt
        )
    return written(outcome, HTTPStatus.OK, policy)
