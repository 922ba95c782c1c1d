"""Receipts to play with."""

from datetime import timedelta
from typing import Any

import pytest

from profilecore.errors import ProfilecoreError
from profilecore.event import Change
from profilecore.order import Order
from profilecore.ports import Profiles, Tasks
from profilecore.receipt import Kept, Receipt, Repeated
from profilecore.task import Task

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def receipt(key: str = "key", *, asked: bytes = b"body", note: str = "") -> Receipt:
    return Receipt.of("caller", "POST /profiles", key, asked, lasts=DAY).noting(note)


def an_order(given: Receipt | None = None, **fields: Any) -> Order:
    return Order(**{"type": "echo", "receipt": given} | fields)


async def repeated(
    profiles: Profiles, given: Receipt, *changes: Change, atomic: bool = False
) -> Kept:
    """What is kept of a write that was made before."""
    with pytest.raises(Repeated) as again:
        await profiles.write(changes, atomic=atomic, receipt=given)
    return again.value.kept


async def added(tasks: Tasks, order: Order) -> Task | ProfilecoreError:
    (outcome,) = await tasks.add([order])
    return outcome


def told(error: ProfilecoreError) -> tuple[str, str, int | None]:
    return error.code, error.detail, getattr(error, "version", None)
