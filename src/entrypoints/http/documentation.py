"""The OpenAPI document and the page that shows it, all from files of this installation."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath
from litestar.response import File

from profilecore.entrypoints.http import bodies, task_bodies
from profilecore.entrypoints.http.access import OPERATORS, OPTION, Access, declared
from profilecore.entrypoints.http.answers import BatchResult, EventBody, ProfileReading
from profilecore.entrypoints.http.examples import EXAMPLES
from profilecore.entrypoints.http.person import Person
from profilecore.entrypoints.http.problems import MEDIA_TYPE, Problem
from profilecore.entrypoints.http.system import Health, Liveness, Readiness
from profilecore.entrypoints.version import VERSION
from profilecore.entrypoints.wire import TaskBody
from profilecore.errors import NotFound
from profilecore.image import Format
from profilecore.paging import Count, Sort
from profilecore.task import Status

_STATIC = Path(__file__).with_name("static")
_TYPES_OF_FILES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_OWN_FILES_ONLY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = (
    bodies.NewProfile,
    bodies.ProfileChanges,
    bodies.ProfilePatch,
    bodies.Batch,
    BatchResult,
    Count,
    EventBody,
    Health,
    Liveness,
    Person,
    Problem,
    ProfileReading,
    Readiness,
    Sort,
    Status,
    TaskBody,
    task_bodies.NewTask,
    task_bodies.TaskChanges,
)
# What whoever calls an operation that is not for everybody may be answered.
_REFUSALS: dict[HTTPStatus, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {},
    HTTPStatus.FORBIDDEN: {},
    HTTPStatus.TOO_MANY_REQUESTS: {
        "Retry-After": "Seconds after which the same call may succeed",
        "RateLimit": "The budget it was counted in, what is left (r), and for how many seconds (t)",
        "RateLimit-Policy": "How many calls (q) in how many seconds (w)",
    },
}
_BEARER = "bearer"
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"

CONFIG = OpenAPIConfig(
    title="profilecore",
    version=VERSION,
    description="Profiles and pictures. Errors are problem documents (RFC 9457).",
    # Litestar would serve its own view of the operations; `document` completes it first.
    openapi_router=Router(
        "/unused", route_handlers=[], include_in_schema=False, opt={OPTION: OPERATORS}
    ),
)


def document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document, as the code behaves.

    Litestar knows the operations; the decoder itself says what it takes (msgspec), since
    Litestar's schemas do not show that unknown fields are refused.
    """
    schema = app.openapi_schema.to_schema()
    ref = "#/components/schemas/{name}"
    _, components = msgspec.json.schema_components(_TYPES, ref_template=ref)
    schema["components"]["schemas"] = components
    for name, shape in task_bodies.SHAPES.items():
        components[name].update(shape)
    schema["components"]["securitySchemes"] = {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token or a JWT; which of the two the operator chooses.",
        }
    }
    accesses = {handler.operation_id: access for handler, _, access in declared(app)}
    for path in schema["paths"].values():
        for operation in path.values():
            _complete(operation)
            _secure(operation, accesses[operation["operationId"]])
    return schema


def _secure(operation: dict[str, Any], access: Access) -> None:
    """Say who may call it."""
    if access.scope is None:
        operation["security"] = []
        return
    operation["security"] = [{_BEARER: [access.scope.value]}]
    operation["x-or-owner"] = access.owner
    for status, headers in _REFUSALS.items():
        operation["responses"][str(status.value)] = {
            "description": status.phrase,
            "headers": {name: _header(text) for name, text in headers.items()},
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def _complete(operation: dict[str, Any]) -> None:
    body = operation.get("requestBody", {}).get("content", {})
    example = EXAMPLES.get(operation["operationId"])
    if example is not None:
        for content in body.values():
            content["example"] = example
    if _MERGE_PATCH in body:
        body[_JSON] = body[_MERGE_PATCH]
    for parameter in operation.get("parameters", []):
        _say_text(parameter["schema"])
    for status, answer in operation["responses"].items():
        if int(status) == HTTPStatus.NO_CONTENT:
            answer.pop("content", None)
        if Format.WEBP.media_type in answer.get("content", ()):
            answer["content"] = {format_.media_type: {} for format_ in Format}
        if int(status) >= HTTPStatus.BAD_REQUEST and "$ref" not in str(answer.get("content")):
            # Litestar documents an error body of its own, which this service never sends.
            answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _say_text(schema: dict[str, Any]) -> None:
    """Litestar says "or null" of what may be left out; in a URL or a header null is a text."""
    choice = schema.get("oneOf", [])
    if {"type": "null"} in choice:
        (kind,) = (kind for kind in choice if kind != {"type": "null"})
        del schema["oneOf"]
        schema.update(kind)


def documentation(describe: Callable[[], dict[str, Any]]) -> Router:
    """The page, its files, and the document that `describe` gives."""

    @cache
    def encoded() -> bytes:
        return msgspec.json.encode(describe())

    @get("/openapi.json", access=OPERATORS, sync_to_thread=True)
    def openapi_json() -> Response[bytes]:
        """Made at the first request, so that a start does not wait for it."""
        return Response(encoded(), media_type=_JSON)

    return Router("/", route_handlers=[openapi_json, _page, _asset], include_in_schema=False)


@get(
    "/docs",
    access=OPERATORS,
    media_type=MediaType.HTML,
    response_headers={"Content-Security-Policy": _OWN_FILES_ONLY},
    sync_to_thread=True,
)
def _page() -> bytes:
    return (_STATIC / "docs.html").read_bytes()


@get("/docs/assets/{name:str}", access=OPERATORS)
async def _asset(name: FromPath[str]) -> File:
    path = _assets().get(name)
    if path is None:
        raise NotFound(f"The documentation has no file {name}.")
    media_type = _TYPES_OF_FILES[path.suffix]  # a browser runs nothing of another type
    return File(path, filename=name, content_disposition_type="inline", media_type=media_type)


@cache
def _assets() -> dict[str, Path]:
    # Found, not imported: of this package only the browser's files are used.
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("swagger_ui")
    swagger = Path(found.origin).with_name("static")
    return {name: swagger / name for name in _SWAGGER_FILES} | {"docs.js": _STATIC / "docs.js"}
