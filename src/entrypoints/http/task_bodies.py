"""The JSON that requests about tasks carry, and what it asks for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from profilecore import Invalid, Order, order
from profilecore.entrypoints.http.bodies import given
from profilecore.receipt import Receipt

# As in `bodies`, the schema shows the rules, and the core checks them.
TaskType = Annotated[
    str,
    Meta(
        description="One that the service knows.",
        examples=["echo"],
        # A format of our own: which types there are depends on what is installed.
        extra_json_schema={"maxLength": order.TYPE_MAX, "format": "task-type"},
    ),
]
Payload = Annotated[
    dict[str, Any],
    Meta(
        description="What the type takes; at most 256 KiB, and 100 values inside one another.",
        examples=[{"hello": "world"}],
    ),
]
Seconds = Annotated[
    float,
    Meta(
        extra_json_schema={"minimum": 0, "maximum": order.DELAY_MAX.total_seconds()},
    ),
]
Span = Annotated[str, Meta(extra_json_schema={"format": "delay"})]
Delay = Annotated[
    Seconds | Span,
    Meta(
        description="Seconds, or a text such as 90s, 5m or 1h30m; at most 30 days.",
        examples=[30],
    ),
]
RunAt = Annotated[
    datetime,
    Meta(
        description="When to start, instead of delay: from now to 30 days on.",
        # No example: one that is written down here is in the past some day.
        extra_json_schema={"format": "task-time"},
    ),
]
Priority = Annotated[
    int,
    Meta(
        description="Of two tasks that are due, the greater goes first.",
        extra_json_schema={"minimum": 0, "maximum": order.PRIORITY_MAX, "default": 0},
    ),
]
Attempts = Annotated[
    int,
    Meta(
        description="After so many failures it is dead.",
        extra_json_schema={"minimum": 1, "maximum": order.ATTEMPTS_MAX, "default": order.ATTEMPTS},
    ),
]
UniqueKey = Annotated[
    str,
    Meta(
        description="While a task of the same type and key is not finished, that one is given.",
        examples=["report-2026-11"],
        extra_json_schema={
            "minLength": 1,
            "maxLength": order.KEY_MAX,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
        },
    ),
]


class NewTask(Struct, forbid_unknown_fields=True):
    """Work to be done once: at once, after `delay`, or at `run_at`."""

    type: TaskType
    payload: Payload = {}
    delay: Delay | UnsetType = UNSET
    run_at: RunAt | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    max_attempts: Attempts | UnsetType = UNSET
    unique_key: UniqueKey | UnsetType = UNSET

    def order(self, trace: Mapping[str, str], receipt: Receipt | None) -> Order:
        """The order; Invalid where it may not be asked for."""
        return Order(**_fields(self), trace=trace, receipt=receipt)


class TaskChanges(Struct, forbid_unknown_fields=True):
    """At least one of the fields, and not both times; what is left out stays as it is."""

    delay: Delay | UnsetType = UNSET
    run_at: RunAt | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET

    def asked(self) -> tuple[Callable[[datetime], datetime] | None, int | None]:
        """The time, given the store's, and the priority; None for one that stays."""
        fields = _fields(self)
        if not fields:
            raise Invalid.field("body", "must have one of delay, run_at and priority")
        delay, run_at = fields.get("delay"), fields.get("run_at")
        if delay is None and run_at is None:
            return None, fields["priority"]
        return lambda at: run_at or at + delay, fields.get("priority")


SHAPES: dict[str, dict[str, Any]] = {
    "NewTask": {"not": {"required": ["delay", "run_at"]}},
    "TaskChanges": {"minProperties": 1, "not": {"required": ["delay", "run_at"]}},
}
"""What the fields do not show of a body, for its schema."""


def _fields(body: Struct) -> dict[str, Any]:
    fields = given(body)
    if "delay" in fields:
        if "run_at" in fields:
            raise Invalid.field("run_at", order.NOT_BOTH)
        fields["delay"] = order.delay_of(fields["delay"])
    return fields
