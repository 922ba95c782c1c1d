"""Every error an answer can carry, as a problem document (RFC 9457), in one table."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from loguru import logger

from profilecore.entrypoints.http.asgi import Answer, fields, in_lines
from profilecore.entrypoints.http.methods import allow
from profilecore.entrypoints.http.tags import FORM, versions
from profilecore.entrypoints.telemetry import request_id
from profilecore.errors import FieldError, Invalid, ProfilecoreError, Unavailable

MEDIA_TYPE = "application/problem+json"


class Meaning(NamedTuple):
    """What a code says to HTTP."""

    status: int
    title: str


MEANINGS = {
    "malformed": Meaning(400, "The request cannot be read"),
    "unauthenticated": Meaning(401, "It is not known who asks"),
    "forbidden": Meaning(403, "The caller is not allowed to"),
    "not_found": Meaning(404, "Not found"),
    "method_not_allowed": Meaning(405, "The method is not allowed here"),
    "request_timeout": Meaning(408, "The request took too long to arrive"),
    "conflict": Meaning(409, "The request conflicts with what is stored"),
    "email_taken": Meaning(409, "The email is taken"),
    "id_taken": Meaning(409, "The id is taken"),
    "not_deleted": Meaning(409, "The profile is not deleted"),
    "task_state": Meaning(409, "The task is in another state"),
    "too_many_images": Meaning(409, "The profile has too many images"),
    "image_gone": Meaning(409, "The image was removed meanwhile"),
    "still_running": Meaning(409, "A request with this key is under way"),
    "answer_gone": Meaning(410, "What was answered is not there any more"),
    "position_gone": Meaning(410, "The position is not in the log"),
    "stale_version": Meaning(412, "Another version is stored"),
    "too_large": Meaning(413, "The request is too large"),
    "unsupported_media_type": Meaning(415, "The media type is not supported"),
    "not_an_image": Meaning(415, "The file is not an image that can be taken"),
    "range_not_satisfiable": Meaning(416, "The range is not in the file"),
    "invalid": Meaning(422, "The request is not valid"),
    "key_reused": Meaning(422, "The key was used with another request"),
    "too_many_pixels": Meaning(422, "The image has too many pixels"),
    "too_many_frames": Meaning(422, "The image has more than one frame"),
    "broken_image": Meaning(422, "The image cannot be decoded"),
    "headers_too_large": Meaning(431, "The headers are too large"),
    "precondition_required": Meaning(428, "The version that was read is required"),
    "rate_limited": Meaning(429, "Too many requests"),
    "internal": Meaning(500, "Something went wrong here"),
    "overloaded": Meaning(503, "The service has more to do than it can"),
    "unavailable": Meaning(503, "The service cannot answer now"),
}
# There may be thousands a second of these, and a metric counts them.
QUIET = frozenset({"rate_limited", "overloaded"})
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a fraction",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "uuid": "a UUID",
}
_KINDS = re.compile("`([^`]*)`")
_BY_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class FieldProblem(msgspec.Struct):
    """One thing that is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, omit_defaults=True):
    """A problem document: `code` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldProblem] = []
    version: int | None = None

    @classmethod
    def of(cls, error: Exception, instance: str) -> "Problem":
        """The document for any error; what is not known becomes a 500 that says nothing."""
        code = _code(error)
        meaning = MEANINGS[code]
        return cls(
            type=f"urn:profilecore:problem:{code}",
            title=meaning.title,
            status=meaning.status,
            detail=_detail(error, code),
            instance=instance,
            code=code,
            request_id=getattr(error, "request_id", None) or request_id.get() or "",
            errors=[FieldProblem(e.field, e.message) for e in _errors(error)],
            version=getattr(error, "version", None),
        )


class Refusal(ProfilecoreError):
    """A request that HTTP itself refuses; the `code` says why."""


class TooMany(Refusal):
    """There is nothing left of a budget; there is in `retry_after` seconds."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


def problem_answer(error: Exception, instance: str, *, request_id: str = "") -> Answer:
    """All of an answer that is the problem document of `error`; logs what has to be."""
    problem, headers = _told(error, instance)
    problem.request_id = request_id or problem.request_id
    body = msgspec.json.encode(problem)
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    encoded += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    return Answer(problem.status, in_lines(encoded), body)


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The same where a route, or the lack of one, has something to add; a Litestar handler."""
    problem, headers = _told(error, request.scope["path"])
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = allow((error.headers or {}).get("allow", "GET").split(", "))
        problem.detail = f"{request.method} is not allowed here; allowed: {headers['Allow']}."
    elif isinstance(error, RequestEntityTooLarge):
        most = request.route_handler.resolve_request_max_body_size()
        problem.detail = f"The body has more than {most:,} bytes, the most that is taken here."
    elif problem.code == "stale_version":
        tags = fields(request.scope, b"if-match")
        if tags and not versions(", ".join(tags)):
            problem.detail += f" {FORM}"
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _told(error: Exception, instance: str) -> tuple[Problem, dict[str, str]]:
    problem = Problem.of(error, instance)
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.opt(exception=error).error("unexpected {}", type(error).__name__)
    elif isinstance(error, Unavailable | TooMany):
        if problem.code not in QUIET:
            logger.warning("unavailable: {} ({!r})", error.detail, error.__cause__)
    elif problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="profilecore"'
    if hasattr(error, "retry_after"):
        headers["Retry-After"] = str(error.retry_after)
    return problem, headers


def _code(error: Exception) -> str:
    if isinstance(error, ProfilecoreError):
        # An adapter may have a code of its own; its class says what that is a kind of.
        codes = [error.code, *(getattr(kind, "code", "") for kind in type(error).__mro__)]
        return next((code for code in codes if code in MEANINGS), "internal")
    if isinstance(error, HTTPException):
        default = (
            "malformed" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
        )
        return _BY_STATUS.get(error.status_code, default)
    return "internal"


def _detail(error: Exception, code: str) -> str:
    if isinstance(error, ProfilecoreError):
        return error.detail
    if isinstance(error, ValidationException):
        return f"Not valid: {', '.join(e.field for e in _errors(error))}."
    if code == "internal":
        return "The request was not the cause. Give the request_id to whoever runs this service."
    if code == "not_found":
        return "There is nothing at this path; the paths are listed at /docs."
    if isinstance(error, HTTPException) and error.detail:
        return error.detail
    return MEANINGS[code].title


def _errors(error: Exception) -> Sequence[FieldError]:
    if isinstance(error, Invalid):
        return error.errors
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return [_field_error(e.get("key", "request"), e["message"]) for e in error.extra]
    return ()


def _field_error(key: str, message: str) -> FieldError:
    # A body that is there is read by JsonBody, so what Litestar misses is the body itself.
    if key == "data":
        return FieldError("body", "is empty; send JSON")
    return FieldError(key, plain(message))


def plain(message: str) -> str:
    """What the decoder found, in words that do not need to know Python."""
    message = _KINDS.sub(
        lambda kinds: " or ".join(_WORDS.get(kind, kind) for kind in kinds[1].split(" | ")), message
    )
    return message.replace("Expected", "must be").replace(", got", ", not")
