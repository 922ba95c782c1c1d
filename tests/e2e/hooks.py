"""What a schema cannot say, for schemathesis."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies
from schemathesis import Case, GenerationMode, HookContext

from tests.support.pictures import encoded, scene


def _soon(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


WEB_URL = r"https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,60}[A-Za-z0-9])?(:[0-9]{1,4})?(/[!-~]{0,200})?"
DELAY = r"[0-9]{1,6}s|[0-9]{1,3}m|[0-9]{1,2}h|[12]?[0-9]d([0-9]|1[0-9]|2[0-3])h([0-9]|[1-5][0-9])m"
UPLOAD = "POST /api/v1/profiles/{profile_id}/images"
PICTURE = encoded(scene(), "PNG")
schemathesis.openapi.format("web-url", strategies.from_regex(WEB_URL, fullmatch=True))
schemathesis.openapi.format("task-type", strategies.just("echo"))
schemathesis.openapi.format("delay", strategies.from_regex(DELAY, fullmatch=True))
schemathesis.openapi.format("task-time", strategies.builds(_soon, strategies.integers(60, 86_400)))


def _is_meant_to_work(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@schemathesis.hook
def map_case(context: HookContext, case: Case) -> Case:
    """Made-up cursors and tags are refused, however they look; 1.0 is no integer to the decoder."""
    if _is_meant_to_work(case):
        case.headers.pop("If-Match", None)
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] += uuid4().hex  # each request is another
        if case.operation.label == "GET /api/v1/profiles":
            case.query.pop("cursor", None)
        case.body = whole(case.body)
        if case.operation.label == UPLOAD:
            case.body = a_picture()
        if "wait" in case.query:
            case.query["wait"] = 0.05  # or the run would take hours
    return case


def a_picture() -> Any:
    """A form with one: no schema can say which bytes are a picture."""
    return {"image": PICTURE}


def whole(value: Any) -> Any:
    """A JSON value with integers where there are floats without a fraction."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
