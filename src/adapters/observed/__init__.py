"""Each port once more, counted and timed: wrappers, so that nothing else knows of metrics."""

from profilecore.adapters.observed.imager import ImagerMetrics, ObservedImager
from profilecore.adapters.observed.metrics import BUCKETS, Metrics
from profilecore.adapters.observed.ports import (
    ObservedBlobs,
    ObservedCache,
    ObservedLog,
    ObservedProfiles,
    ObservedQueue,
)
from profilecore.adapters.observed.publishing import ObservedPublisher
from profilecore.adapters.observed.tasks import ObservedEndings, ObservedTasks, TaskMetrics

__all__ = [
    "BUCKETS",
    "ImagerMetrics",
    "Metrics",
    "ObservedBlobs",
    "ObservedCache",
    "ObservedEndings",
    "ObservedImager",
    "ObservedLog",
    "ObservedProfiles",
    "ObservedPublisher",
    "ObservedQueue",
    "ObservedTasks",
    "TaskMetrics",
]
