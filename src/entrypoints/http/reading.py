"""Reading a request's body and headers strictly, with errors that say what is wrong."""

import re
from collections.abc import Collection, Generator
from typing import Annotated, Any, ClassVar, TypeVar, cast

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.params import HeaderParameter
from litestar.typing import FieldDefinition

from profilecore.entrypoints.http.asgi import Head, field, fields
from profilecore.entrypoints.http.problems import Refusal, plain
from profilecore.entrypoints.http.tags import etag, is_known, versions
from profilecore.errors import FieldError, Invalid
from profilecore.order import A_DELAY, A_TIME, TOO_DEEP

T = TypeVar("T")

_JSON_TYPES = ("application/json", "application/merge-patch+json")
_WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_MEMBER = re.compile(r"^Object (?P<what>contains unknown|missing required) field `(?P<name>[^`]*)`")
# What the decoder says of these would not tell what else to send.
_TAKES = {"delay": A_DELAY, "run_at": A_TIME}
CONSISTENCY_TOKEN = re.compile("^p[0-9]{1,18}$")

ConsistencyToken = Annotated[
    str | None,
    HeaderParameter(
        name="X-Consistency-Token",
        description="From a write that must be seen",
        schema_extra={"pattern": CONSISTENCY_TOKEN.pattern},
    ),
]
"""Documents the header that `consistency_position` reads, with better errors."""


class JsonBody(AbstractDTO[T]):
    """Decodes a body into its type: nothing coerced, nothing unknown, every error a problem.

    Litestar hands the bytes to a DTO; without one it would coerce "1" to 1.
    """

    _types: ClassVar[dict[str, Any]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        cls._types[handler_id] = field_definition.annotation

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Any:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False

    def decode_bytes(self, value: bytes) -> Any:
        request = cast("Request[Any, Any, Any]", self.asgi_connection)
        refuse_encoded(request)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type and media_type not in _JSON_TYPES:
            taken = _JSON_TYPES if request.method == "PATCH" else _JSON_TYPES[:1]
            detail = f"The body is {media_type}; send it as {' or '.join(taken)}."
            raise Refusal(detail, code="unsupported_media_type")
        return decode(value, self._types[request.route_handler.handler_id])


def refuse_encoded(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is packed: how much comes out of one is not known before."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        detail = f"The body is encoded as {encoding}; send it without Content-Encoding, as it is."
        raise Refusal(detail, code="unsupported_media_type")


def decode(body: bytes, kind: type[T]) -> T:
    """Read JSON. Raises Invalid: `malformed` for what is no JSON, `invalid` for another shape."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(_field_error(str(error))) from error
    except RecursionError as error:
        raise _invalid(FieldError("body", TOO_DEEP)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not JSON: {error}.", code="malformed") from error


def _invalid(wrong: FieldError) -> Invalid:
    return Invalid(f"Not valid: {wrong.field} {wrong.message}.", errors=[wrong])


def _field_error(text: str) -> FieldError:
    where = _WHERE.search(text)
    path = where["path"] if where else ""
    message = text[: where.start()] if where else text
    member = _MEMBER.match(message)
    if member:
        path = f"{path}.{member['name']}".removeprefix(".")
        known = "is not a known field" if "unknown" in member["what"] else "is required"
        return FieldError(path, known)
    return FieldError(path or "body", _TAKES.get(path) or plain(message))


def expected_versions(request: Request[Any, Any, Any], required: bool) -> Collection[int] | None:
    """What If-Match asks for: versions of which one has to be stored, None for any."""
    given = fields(request.scope, b"if-match")
    if not given:
        if required:
            raise Refusal(
                'Send If-Match with the ETag of what you read, such as "v7".',
                code="precondition_required",
            )
        return None
    tags = ", ".join(given)
    return None if tags.strip() == "*" else versions(tags)


def not_modified(scope: Head, version: int) -> bool:
    """Whether If-None-Match names this version (weak comparison)."""
    return is_known(field(scope, b"if-none-match"), etag(version))


def consistency_position(scope: Head) -> int:
    """The place in the log that the caller has to see, 0 for any."""
    token = field(scope, b"x-consistency-token")
    if token is None:
        return 0
    if not CONSISTENCY_TOKEN.fullmatch(token):
        detail = "X-Consistency-Token is not one that this service gave out; leave it out."
        raise Invalid(detail, code="malformed")
    return int(token[1:])


def consistency_token(position: int) -> str:
    """The inverse of `consistency_position`, opaque to callers."""
    return f"p{position}"
