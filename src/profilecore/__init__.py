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
from profilecore.receipt import Receipt
from profilecore.service import ProfileService, Reading, Source
from profilecore.task import Status, Task
from profilecore.tasks import (
    Attempt,
    Context,
    GiveUp,
    Handler,
    Stopped,
    TaskService,
)
from profilecore.written import Written

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
    "Receipt",
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
