"""What operators and machines ask: health, metrics, the documentation."""

import asyncio
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from profilecore.entrypoints.http.access import OPERATORS, PUBLIC
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.many import Exposition
from profilecore.entrypoints.parts import Check, Checks
from profilecore.entrypoints.version import VERSION
from profilecore.errors import Unavailable

_METRICS = "text/plain; version=0.0.4"  # the charset is added
CHECK_TIMEOUT = 1.0  # seconds

State = Literal["healthy", "degraded", "unhealthy"]


class Component(Struct):
    """How one component is."""

    status: State
    latency_ms: float
    detail: str


class Health(Struct):
    """How the service and its parts are."""

    status: State
    components: dict[str, Component]
    resources: dict[str, float]
    version: str
    timestamp: datetime


class Liveness(Struct):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Struct):
    """Whether requests should be sent here, and why not."""

    status: Literal["ready", "not ready"]
    detail: str


@get(
    "/health",
    access=PUBLIC,
    operation_id="health",
    summary="The health of the service and its parts",
    responses={
        503: ResponseSpec(
            Health, description="The database does not answer", generate_examples=False
        )
    },
)
async def health(checks: NamedDependency[Checks]) -> Response[Health]:
    """healthy, degraded (works, with less or slower), or unhealthy."""
    names = ["database", *checks.others]
    found = await asyncio.gather(
        _ask(checks.database, lost="unhealthy"),
        *(_ask(check, lost="degraded") for check in checks.others.values()),
    )
    components = dict(zip(names, found, strict=True))
    states = {component.status for component in found}
    worst: State = next((s for s in ("unhealthy", "degraded") if s in states), "healthy")
    body = Health(worst, components, dict(checks.resources()), VERSION, datetime.now(UTC))
    return Response(body, status_code=_status(worst != "unhealthy"))


@get("/health/live", access=PUBLIC, operation_id="live", summary="Whether the process answers")
async def live() -> Liveness:
    """No I/O: a database that is away is no reason to restart this process."""
    return Liveness()


@get(
    "/health/ready",
    access=PUBLIC,
    operation_id="ready",
    summary="Whether requests should be sent here",
    responses={
        503: ResponseSpec(
            Readiness, description="Starting, stopping, or no database", generate_examples=False
        )
    },
)
async def ready(
    checks: NamedDependency[Checks], lifecycle: NamedDependency[Lifecycle]
) -> Response[Readiness]:
    """Not until started, while draining, or without a database."""
    if not lifecycle.started:
        why = "starting"
    elif lifecycle.draining:
        why = "draining"
    else:
        database = await _ask(checks.database, lost="unhealthy")
        why = "" if database.status == "healthy" else f"database: {database.detail}"
    body = Readiness("not ready" if why else "ready", why)
    return Response(body, status_code=_status(not why))


@get(
    "/metrics",
    access=OPERATORS,
    operation_id="metrics",
    summary="Metrics for Prometheus",
    media_type=_METRICS,
)
async def metrics(exposition: NamedDependency[Exposition]) -> Response[bytes]:
    """In the text format 0.0.4, of all processes that serve this port."""
    return Response(await exposition.text(), media_type=_METRICS)


async def _ask(check: Check, *, lost: State) -> Component:
    began = time.perf_counter()
    status: State = "healthy"
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            detail = await check()
    except TimeoutError:
        status, detail = lost, f"no answer within {CHECK_TIMEOUT:g} s"
    except Unavailable as error:
        status, detail = lost, error.detail
    return Component(status, round((time.perf_counter() - began) * 1000, 3), detail)


def _status(good: bool) -> int:
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
