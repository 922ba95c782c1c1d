"""Profiles and pictures, done right: a library, one process, or a fleet.

The core: the standard library and nothing else. `profilecore.adapters` holds the stores, caches
and queues that it can stand on, `profilecore.entrypoints` the processes.
"""

from profilecore.access import Caller, Scope
from profilecore.errors import (
    Conflict,
    Denied,
    FieldError,
    Invalid,
    NotFound,
    ProfilecoreError,
    Unavailable,
)
from profilecore.event import Change, Event, EventType
from profilecore.order import Order
from profilecore.paging import Count, Cursor, Page, Query, Sort
from profilecore.profile import Absence, Profile
from profilecore.service import ProfileService, Reading, Source, Written
from profilecore.task import Status, Task
from profilecore.tasks import (
    Attempt,
    Context,
    GiveUp,
    Handler,
    Stopped,
    TaskService,
)

__all__ = [
    "Absence",
    "Attempt",
    "Caller",
    "Change",
    "Conflict",
    "Context",
    "Count",
    "Cursor",
    "Denied",
    "Event",
    "EventType",
    "FieldError",
    "GiveUp",
    "Handler",
    "Invalid",
    "NotFound",
    "Order",
    "Page",
    "Profile",
    "ProfileService",
    "ProfilecoreError",
    "Query",
    "Reading",
    "Scope",
    "Sort",
    "Source",
    "Status",
    "Stopped",
    "Task",
    "TaskService",
    "Unavailable",
    "Written",
]
