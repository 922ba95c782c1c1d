"""What answers carry: their bodies, their headers, and how both are documented."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from profilecore.ending import Ending
from profilecore.entrypoints.http.idempotency import REPLAYED
from profilecore.entrypoints.http.problems import MEDIA_TYPE, Problem
from profilecore.entrypoints.http.reading import consistency_token
from profilecore.entrypoints.http.tags import etag
from profilecore.entrypoints.policy import Policy
from profilecore.entrypoints.wire import ProfileBody
from profilecore.event import Event, EventType
from profilecore.service import Reading, Source
from profilecore.written import Written

# A profile is personal: no shared cache may keep it, and a browser asks again each time.
PRIVATE = "private, no-cache"
_SAID = {Source.CACHE: "hit", Source.DATABASE: "miss"}


class ProfileReading(Struct):
    """A profile, and where this read was answered from."""

    profile: ProfileBody
    source: Source


class EventBody(Struct):
    """One entry of the change log; `data` is empty for a deletion and after an erasure."""

    position: int
    profile_id: UUID
    type: EventType
    version: int
    data: dict[str, Any]
    at: datetime
    actor: str | None

    @classmethod
    def of(cls, event: Event) -> "EventBody":
        """The event as JSON has it."""
        return cls(
            position=event.position,
            profile_id=event.profile_id,
            type=event.type,
            version=event.version,
            data=dict(event.data),
            at=event.at,
            actor=event.actor,
        )


class EndingBody(Struct):
    """How a task ended: task.succeeded or task.dead. What came of it, its id leads to."""

    task_id: UUID
    type: str
    task_type: str
    at: datetime

    @classmethod
    def of(cls, ending: Ending) -> "EndingBody":
        """The end as JSON has it."""
        return cls(ending.task_id, f"task.{ending.status}", ending.type, ending.at)


class BatchResult(Struct, omit_defaults=True):
    """What became of one item: `status` is what the single call would have answered."""

    op: Literal["create", "update", "delete"]
    index: int
    status: int
    profile: ProfileBody | None = None
    problem: Problem | None = None


def written(outcome: Written, status: HTTPStatus, policy: Policy) -> Response[ProfileBody]:
    """The bare profile, as every write of one answers."""
    return Response(
        ProfileBody.of(outcome.profile, policy.media),
        status_code=status,
        headers=written_headers(outcome),
    )


def written_headers(outcome: Written) -> dict[str, str]:
    """What a write tells beside its body."""
    return {
        "ETag": etag(outcome.profile.version),
        "X-Consistency-Token": consistency_token(outcome.position),
        **(REPLAYED if outcome.replayed else {}),
    }


def read_headers(reading: Reading, in_fallback: bool) -> dict[str, str]:
    """What a read of one tells beside its body."""
    said = "fallback" if in_fallback else _SAID[reading.source]
    return {"etag": etag(reading.profile.version), "x-cache": said, "cache-control": PRIVATE}


def documented(**headers: str) -> list[ResponseHeader]:
    """Headers for OpenAPI; underscores stand for hyphens."""
    return [
        ResponseHeader(
            name=name.replace("_", "-"), description=text, documentation_only=True, value=""
        )
        for name, text in headers.items()
    ]


def problems(*statuses: int) -> Mapping[int, ResponseSpec]:
    """The problem documents that an operation may answer, for OpenAPI."""
    return {
        status: ResponseSpec(
            Problem,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status in (*statuses, HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
    }


WRITE_HEADERS = documented(
    ETag="The version that is stored now",
    X_Consistency_Token="Send it back with a read that must see this write",  # noqa: S106
)
REPLAYED_HEADER = documented(
    Idempotency_Replayed="true where this is the answer to an earlier request with the key"
)
ONCE_HEADERS = [*WRITE_HEADERS, *REPLAYED_HEADER]
