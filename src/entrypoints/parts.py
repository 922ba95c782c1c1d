"""The parts of an open service: what HTTP and the command line stand on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client import CollectorRegistry

from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.policy import Bounds, Policy
from profilecore.entrypoints.telemetry import HttpMetrics, LimitMetrics
from profilecore.feed import Feed
from profilecore.images import Collector, ImageService
from profilecore.person import PersonService
from profilecore.ports import (
    Authenticator,
    Blobs,
    Endings,
    Limiter,
    Log,
    Profiles,
    Receipts,
    TaskUpkeep,
    Tokens,
)
from profilecore.service import ProfileService
from profilecore.tasks import TaskFeed, TaskService

if TYPE_CHECKING:  # it imports what most do without
    from profilecore.entrypoints.tracing.otlp import Tracing

Check: TypeAlias = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Checks:
    """How each component is asked; a check gives a detail or raises Unavailable.

    Without the database nothing can be answered; without any other, less or slower.
    """

    database: Check
    others: Mapping[str, Check]
    resources: Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that was made and opened."""

    service: ProfileService
    profiles: Profiles
    log: Log
    receipts: Receipts
    images: ImageService
    person: PersonService
    collector: Collector
    tasks: TaskService
    upkeep: TaskUpkeep
    tokens: Tokens
    blobs: Blobs
    feed: Feed
    endings: Endings
    task_feed: TaskFeed
    lifecycle: Lifecycle
    checks: Checks
    registry: CollectorRegistry
    metrics: HttpMetrics
    policy: Policy
    bounds: Bounds
    authenticator: Authenticator | None
    limiter: Limiter
    limit_metrics: LimitMetrics
    body_timeout: float
    in_fallback: Callable[[], bool]
    tracing: "Tracing | None" = None
