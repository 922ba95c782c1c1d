"""`profilecore` with named points on the way of a task, at which it can be made to die or stop."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from profilecore.adapters.postgres import PostgresTasks
from profilecore.adapters.rabbitmq import RabbitQueue
from profilecore.entrypoints.cli import main
from profilecore.errors import ProfilecoreError
from profilecore.order import Order
from profilecore.ports import Due, Lease
from profilecore.task import Task
from profilecore.tasks import Context, Handler, Runner
from tests.support.faultpoints import reached

# -P, or the folder of this file would be searched for modules.
FAULTY: Final = (sys.executable, "-P", __file__)

_add, _put, _take, _ack = PostgresTasks.add, RabbitQueue.put, RabbitQueue.take, RabbitQueue.ack
_run, _queued, _succeeded = Runner.run, Task.queued, Task.succeeded


async def _added(self: PostgresTasks, orders: Sequence[Order]) -> Sequence[Task | ProfilecoreError]:
    outcomes = await _add(self, orders)
    reached("after commit")
    return outcomes


async def _put_and_confirmed(self: RabbitQueue, due: Due) -> None:
    await _put(self, due)
    reached("after publish")


def _marked(self: Task, at: datetime, claimed_until: datetime, lease: timedelta) -> Task:
    reached("before the mark")
    return _queued(self, at, claimed_until, lease)


async def _taken(self: RabbitQueue, timeout: float) -> Lease | None:  # noqa: ASYNC109
    lease = await _take(self, timeout)
    if lease is not None:
        reached("after take")
    return lease


async def _started(
    self: Runner, handler: Handler, context: Context, payload: Mapping[str, Any]
) -> Any:
    reached("after start")
    return await _run(self, handler, context, payload)


def _settled(self: Task, at: datetime, fence: int, result: Any) -> Task:
    reached("before settle")  # the row was read, and nothing is written yet
    return _succeeded(self, at, fence, result)


async def _acked(self: RabbitQueue, lease: Lease) -> None:
    reached("after settle")
    await _ack(self, lease)
    reached("after ack")


if __name__ == "__main__":
    PostgresTasks.add = _added  # type: ignore[method-assign]
    RabbitQueue.put = _put_and_confirmed  # type: ignore[method-assign]
    RabbitQueue.take = _taken  # type: ignore[method-assign]
    RabbitQueue.ack = _acked  # type: ignore[method-assign]
    Runner.run = _started  # type: ignore[method-assign]
    Task.queued = _marked  # type: ignore[method-assign, assignment]
    Task.succeeded = _settled  # type: ignore[method-assign, assignment]
    sys.exit(main())
