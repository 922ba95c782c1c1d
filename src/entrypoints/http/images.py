"""The operations on the pictures of a profile."""

import asyncio
import hashlib
from http import HTTPStatus
from typing import Annotated, Any, Final

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from litestar.params import PathParameter, QueryParameter

from profilecore.access import Caller
from profilecore.entrypoints.http.access import READ, WRITE
from profilecore.entrypoints.http.answers import (
    ONCE_HEADERS,
    WRITE_HEADERS,
    documented,
    problems,
    written_headers,
)
from profilecore.entrypoints.http.idempotency import IdempotencyKey, Keys, digest_of
from profilecore.entrypoints.http.profiles import ID, IfMatch, ProfileId
from profilecore.entrypoints.http.reading import (
    ConsistencyToken,
    consistency_position,
    expected_versions,
)
from profilecore.entrypoints.http.uploads import BODY_MAX, Uploads
from profilecore.entrypoints.policy import Budget, Policy
from profilecore.entrypoints.wire import ImageBody, url_of
from profilecore.image import File, Format, Size
from profilecore.images import ImageService
from profilecore.placeholder import placeholder
from profilecore.service import ProfileService

AVATAR_FOR: Final = "public, max-age=60"
SVG: Final = "image/svg+xml"
_NOTHING_RUNS: Final = "default-src 'none'; sandbox"

ImageId = Annotated[
    str,
    PathParameter(description="The id that POST gave", schema_extra={"pattern": "^[0-9a-f]{64}$"}),
]


class UploadOperation(Operation):
    """An upload, as OpenAPI has it: what is streamed has no type that Litestar could describe."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        file = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={"image": file},
            required=["image"],
            additional_properties=False,
        )
        content = {"multipart/form-data": OpenAPIMediaType(schema=form)}
        self.request_body = RequestBody(content=content, required=True)


@post(
    ID + "/images",
    request_max_body_size=BODY_MAX,
    streamed=True,
    operation_class=UploadOperation,
    access=WRITE,
    budget=Budget.UPLOADS,
    operation_id="uploadImage",
    summary="Upload an image",
    response_headers=ONCE_HEADERS,
    responses=problems(404, 409, 410, 413, 415, 422),
)
async def upload(  # noqa: PLR0913, PLR0917 - one for each parameter of the operation
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    images: NamedDependency[ImageService],
    uploads: NamedDependency[Uploads],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    keys: NamedDependency[Keys],
    idempotency_key: IdempotencyKey = None,
) -> Response[ImageBody]:
    """Take a JPEG, PNG or WebP as the part `image` of a form, and make three sizes of it.

    Nothing of the file but its pixels is kept: no place where it was taken, no comment. The same
    picture again is the same image.
    """
    async with keys.receipt(request) as receipt:
        await images.must_be_there(profile_id, receipt)  # refused before the body comes in
        async with uploads.received(request) as path:
            whole = receipt and receipt.over(await asyncio.to_thread(digest_of, path))
            added = await images.add(profile_id, path, actor=caller.subject, receipt=whole)
    headers = {} if added.written is None else written_headers(added.written)
    body = ImageBody.of(added.image, policy.media)
    return Response(body, status_code=HTTPStatus.CREATED, headers=headers)


@get(
    ID + "/images",
    access=READ,
    operation_id="listImages",
    summary="The images of a profile",
    responses=problems(404),
)
async def index(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    consistency_token: ConsistencyToken = None,
) -> list[ImageBody]:
    """Those that were uploaded, the newest last."""
    reading = await service.read(profile_id, seen=consistency_position(request.scope))
    return [ImageBody.of(image, policy.media) for image in reading.profile.images]


@delete(
    ID + "/images/{image_id:str}",
    access=WRITE,
    operation_id="deleteImage",
    summary="Delete an image",
    response_headers=WRITE_HEADERS,
    responses=problems(404, 409, 412, 428),
)
async def remove(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    image_id: ImageId,
    images: NamedDependency[ImageService],
    policy: NamedDependency[Policy],
    caller: NamedDependency[Caller],
    if_match: IfMatch = None,
) -> Response[None]:
    """Take it from the profile; its files go as soon as no other profile has the same image."""
    expected = expected_versions(request, policy.require_if_match)
    written = await images.remove(profile_id, image_id, expected=expected, actor=caller.subject)
    return Response(None, status_code=HTTPStatus.NO_CONTENT, headers=written_headers(written))


@get(
    ID + "/avatar",
    media_type=SVG,
    access=READ,
    operation_id="avatar",
    summary="The picture that stands for a profile",
    responses={
        200: ResponseSpec(
            str, description="Drawn initials", media_type=SVG, generate_examples=False
        ),
        302: ResponseSpec(None, description="Where the newest image is", generate_examples=False),
        **problems(404),
    },
    response_headers=documented(Location="Where the newest image is"),
)
async def avatar(
    request: Request[Any, Any, Any],
    profile_id: ProfileId,
    service: NamedDependency[ProfileService],
    policy: NamedDependency[Policy],
    size: Annotated[Size, QueryParameter(description="Which variant")] = Size.THUMB,
) -> Response[Any]:
    """The newest image, or initials where there is none. JPEG for who accepts that but no WebP."""
    profile = (await service.read(profile_id)).profile
    # Other sites may show it, as they may the files of images.
    headers = {"Cache-Control": AVATAR_FOR, "Cross-Origin-Resource-Policy": "cross-origin"}
    if profile.images:
        accepted = request.headers.get("accept", "")
        plain = "image/jpeg" in accepted and "image/webp" not in accepted
        file = File(size, Format.JPEG if plain else Format.WEBP)
        headers |= {"Location": url_of(profile.images[-1], file, policy.media), "Vary": "Accept"}
        return Response(b"", status_code=HTTPStatus.FOUND, headers=headers)
    drawn = placeholder(profile.id, profile.name).encode()
    tag = f'"{hashlib.sha256(drawn).hexdigest()[:32]}"'
    headers |= {"ETag": tag, "Content-Security-Policy": _NOTHING_RUNS, "Vary": "Accept"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(drawn, media_type=SVG, headers=headers)
