"""What a running process tells about itself: log lines, metrics, resources."""

from profilecore.entrypoints.telemetry.certificates import Certificates
from profilecore.entrypoints.telemetry.followed import FollowedLog
from profilecore.entrypoints.telemetry.limits import LimitMetrics
from profilecore.entrypoints.telemetry.logs import (
    configure_logging,
    flush_logs,
    follow_traces,
    log_request,
    request_id,
)
from profilecore.entrypoints.telemetry.metrics import HttpMetrics, new_registry
from profilecore.entrypoints.telemetry.resources import Disk, LoopLag, Resources
from profilecore.entrypoints.telemetry.servers import DatabaseServers

__all__ = [
    "Certificates",
    "DatabaseServers",
    "Disk",
    "FollowedLog",
    "HttpMetrics",
    "LimitMetrics",
    "LoopLag",
    "Resources",
    "configure_logging",
    "flush_logs",
    "follow_traces",
    "log_request",
    "new_registry",
    "request_id",
]
