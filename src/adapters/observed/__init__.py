"""Each port once more, counted and timed: wrappers, so that nothing else knows of metrics."""

from profilecore.adapters.observed.metrics import BUCKETS, Metrics
from profilecore.adapters.observed.ports import (
    ObservedBlobs,
    ObservedCache,
    ObservedLog,
    ObservedProfiles,
    ObservedQueue,
)
from profilecore.adapters.observed.tasks import ObservedTasks, TaskMetrics

__all__ = [
    "BUCKETS",
    "Metrics",
    "ObservedBlobs",
    "ObservedCache",
    "ObservedLog",
    "ObservedProfiles",
    "ObservedQueue",
    "ObservedTasks",
    "TaskMetrics",
]
