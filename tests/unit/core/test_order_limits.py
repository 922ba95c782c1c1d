"""What an order and a change of a task may not hold, whoever asks."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from profilecore.adapters.memory import MemoryTasks
from profilecore.errors import Invalid
from profilecore.order import A_PRIORITY, A_TIME, DEPTH_MAX, PAYLOAD_MAX, Order, within_reach
from profilecore.task import Status
from profilecore.tasks import Attempt, Context, Handler, TaskService
from profilecore.tasks.handlers import Handlers
from profilecore.tasks.running import Run
from profilecore.tasks.verdict import verdict
from profilecore.testing.samples import AT


def nested(depth: int, kind: type) -> dict[str, Any]:
    """A payload of so many values inside one another, itself included."""
    value: Any = kind()
    for _ in range(depth - 2):
        value = {"in": value} if kind is dict else [value]
    return {"in": value}


@pytest.mark.parametrize("kind", [dict, list])
def test_a_payload_has_a_depth_that_everybody_can_read(kind: type) -> None:
    Order(type="echo", payload=nested(DEPTH_MAX, kind))
    for depth in (DEPTH_MAX + 1, 900, 100_000):
        with pytest.raises(Invalid) as refusal:
            Order(type="echo", payload=nested(depth, kind))
        assert [error.field for error in refusal.value.errors] == ["payload"]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        within_reach(AT.replace(tzinfo=None), AT)
    assert refusal.value.errors[0].message == A_TIME


@pytest.mark.parametrize("priority", [-1, 10])
async def test_a_task_gets_no_priority_that_no_order_has(priority: int) -> None:
    service = TaskService(MemoryTasks(), Handlers([Handler(type="echo", run=lambda c, p: p)]))
    task = await service.submit(Order(type="echo", delay=timedelta(hours=1)))
    with pytest.raises(Invalid) as refusal:
        await service.reschedule(task.id, None, priority)
    assert refusal.value.errors[0].message == A_PRIORITY
    assert (await service.read(task.id)).priority == 0


@pytest.mark.parametrize(
    ("result", "status", "said"),
    [
        ({"a": "x" * (PAYLOAD_MAX - len('{"a":""}'))}, Status.SUCCEEDED, ""),  # what went in
        ({"a": "x" * (PAYLOAD_MAX - len('{"a":""}') + 1)}, Status.DEAD, "262,145 bytes"),
        (nested(DEPTH_MAX, list), Status.SUCCEEDED, ""),
        (nested(DEPTH_MAX + 1, list), Status.DEAD, "more than 100 values inside one another"),
        ({"a": object()}, Status.DEAD, "not JSON"),
    ],
)
async def test_a_result_may_be_what_a_payload_may_be(
    result: Any, status: Status, said: str
) -> None:
    async def give() -> Any:
        return result

    handler = Handler(type="echo", run=give)
    task = Order(type="echo", max_attempts=1).task(AT).started(AT, timedelta(seconds=30))
    context = Context(Attempt(task.id, 1, 1), "echo")
    run = Run(task, context, asyncio.create_task(give()))
    await run.over
    step = verdict(run, handler)
    assert step is not None
    settled = step(task, AT)
    assert settled.status is status
    assert said in (settled.error or "")
