"""What the function that writes is told."""

from datetime import UTC, datetime
from typing import Any, Final

from profilecore.adapters.codec import columns_of, encode_data
from profilecore.adapters.codec.tasks import task_columns
from profilecore.errors import Invalid
from profilecore.event import Change
from profilecore.order import Order
from profilecore.paging import microseconds

_NO_TIME: Final = datetime.fromtimestamp(0, UTC)
NEWEST: Final = "SELECT coalesce(max(position), 0) FROM events"


def row_of(change: Change) -> dict[str, Any]:
    """A change as the function that writes takes it; Invalid for what it could not keep."""
    event = change.event(0)
    row = {
        "id": str(change.profile.id),
        **columns_of(change.profile),
        "replaces": change.replaces,
        "type": event.type,
        "data": encode_data(event.data),
        "at": microseconds(event.at),
        "actor": event.actor,
    }
    if change.orders:
        row["orders"] = [_task_of(order) for order in change.orders]
    # One caller's value must not fail the others that are written in the same call.
    if any("\0" in value for value in row.values() if isinstance(value, str)):
        raise Invalid("A text holds a NUL character.")
    if not all(-(2**63) <= n < 2**63 for n in row.values() if isinstance(n, int)):
        raise Invalid("A number is too large to be kept.")
    return row


def _task_of(order: Order) -> dict[str, Any]:
    # The function that writes dates it, by its own clock.
    return {"id": str(order.id), **task_columns(order.task(_NO_TIME))}
