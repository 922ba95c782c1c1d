"""The files of images, for browsers and for caches in front of this service."""

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, SkipValidation

from profilecore import NotFound
from profilecore.entrypoints.http.access import PUBLIC
from profilecore.entrypoints.http.answers import documented, problems
from profilecore.entrypoints.http.problems import MEDIA_TYPE, Problem, Refusal
from profilecore.entrypoints.http.ranges import NotSatisfiable, asked_part
from profilecore.entrypoints.http.tags import is_known
from profilecore.image import FILES, Format, format_of, image_of
from profilecore.ports import Blobs

PATH: Final = "/media"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
# It is a picture, whatever a browser takes it for: nothing in it may run, load or be framed.
_HARMLESS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_NAMES: Final = "|".join(f"{file.size}\\.{file.format}" for file in FILES)


def _part(pattern: str, description: str) -> PathParameter:
    return PathParameter(description=description, schema_extra={"pattern": f"^(?:{pattern})$"})


@get(
    f"{PATH}/{{shard:str}}/{{image_id:str}}/{{name:str}}",
    access=PUBLIC,
    operation_id="readMedia",
    summary="A file of an image",
    media_type=Format.WEBP.media_type,
    response_headers=documented(
        ETag="Which file it is: it never changes", Content_Range="Which part this is, for a 206"
    ),
    responses={
        HTTPStatus.PARTIAL_CONTENT: ResponseSpec(
            bytes,
            description="A part of it",
            media_type=Format.WEBP.media_type,
            generate_examples=False,
        ),
        HTTPStatus.NOT_MODIFIED: ResponseSpec(
            None, description="It is known", generate_examples=False
        ),
        **problems(404, 416),
    },
)
async def media(
    request: Request[Any, Any, Any],
    blobs: NamedDependency[SkipValidation[Blobs]],  # a port has no class
    shard: Annotated[str, _part("[0-9a-f]{2}", "The first two digits of the image's id")],
    image_id: Annotated[str, _part("[0-9a-f]{64}", "The image's id")],
    name: Annotated[str, _part(_NAMES, "Its size and format")],
    if_none_match: Annotated[
        str | None, HeaderParameter(name="If-None-Match", description="The ETag that is known")
    ] = None,
    range_: Annotated[
        str | None, HeaderParameter(name="Range", description="One range of bytes")
    ] = None,
) -> Response[bytes]:
    """The bytes, which are for ever those of this path; GET and HEAD."""
    key = f"{shard}/{image_id}/{name}"
    # Under its one spelling alone: a cache keeps each by itself, and is told to purge one.
    if image_of(key) is None or request.scope["raw_path"] != f"{PATH}/{key}".encode():
        raise NotFound("No image has a file at this path.")
    data = await blobs.get(key)
    if data is None:
        raise NotFound("There is no such image, or not any more.")
    tag = f'"{image_id}-{name}"'
    headers = {"ETag": tag, "Cache-Control": IMMUTABLE, "Accept-Ranges": "bytes", **_HARMLESS}
    if is_known(if_none_match, tag):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if request.headers.get("if-range", tag) != tag:
        range_ = None  # it is a part of something else that is asked for
    status, kind = HTTPStatus.OK, format_of(key).media_type
    try:
        part = asked_part(range_, len(data))
    except NotSatisfiable:
        return _not_satisfiable(request, len(data))
    if part is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
        data = data[part.start : part.stop]
    return Response(data, status_code=status, headers=headers, media_type=kind)


def _not_satisfiable(request: Request[Any, Any, Any], size: int) -> Response[bytes]:
    detail = f"The file has {size:,} bytes, of which the range has none."
    problem = Problem.of(Refusal(detail, code="range_not_satisfiable"), request.scope["path"])
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Content-Range": f"bytes */{size}"},
    )
