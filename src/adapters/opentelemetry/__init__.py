"""Traces, by OpenTelemetry's SDK: each port once more, its calls in a trace being spans."""

from profilecore.adapters.opentelemetry.ports import (
    TracedCache,
    TracedLog,
    TracedProfiles,
    TracedTasks,
)
from profilecore.adapters.opentelemetry.queue import TracedQueue
from profilecore.adapters.opentelemetry.requests import RequestSpan
from profilecore.adapters.opentelemetry.runner import TracedRunner
from profilecore.adapters.opentelemetry.sending import Sending
from profilecore.adapters.opentelemetry.tracer import Tracer, following, headers, told, trace_id

__all__ = [
    "RequestSpan",
    "Sending",
    "TracedCache",
    "TracedLog",
    "TracedProfiles",
    "TracedQueue",
    "TracedRunner",
    "TracedTasks",
    "Tracer",
    "following",
    "headers",
    "told",
    "trace_id",
]
