"""What callers can do with tasks."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from profilecore.errors import Conflict, Invalid, NotFound, Unavailable
from profilecore.identifiers import new_id
from profilecore.order import DELAY_MAX, Order
from profilecore.receipt import Receipt
from profilecore.schedule import TaskQuery
from profilecore.task import Status
from profilecore.tasks import Handler, Handlers, TaskService
from profilecore.tasks import service as module
from profilecore.tasks.service import Submitted
from profilecore.testing.samples import SECOND
from tests.unit.core.tasks.doubles import PATIENCE, Clock, SwitchedTasks, until

LEASE = 30 * SECOND


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.tasks = SwitchedTasks(self.clock)
        self.announced = 0
        self.service = TaskService(
            self.tasks, Handlers([Handler(type="echo", run=print)]), announce=self._announce
        )

    def _announce(self) -> None:
        self.announced += 1

    async def step(self, task_id: Any, step: Any) -> None:
        await self.tasks.write({task_id: step})


@pytest.fixture
def stage() -> Stage:
    return Stage()


def start(task: Any, at: datetime) -> Any:
    return task.started(at, LEASE)


def die(task: Any, at: datetime) -> Any:
    return task.started(at, LEASE).failed(at, task.fence + 1, "boom", final=True)


async def test_what_is_submitted_is_kept_and_announced(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo", payload={"n": 1}))
    assert await stage.service.read(task.id) == task
    assert stage.announced == 1
    assert await stage.service.list(TaskQuery()) == [task]


def keyed(asked: bytes = b"", **fields: Any) -> Order:
    receipt = Receipt.of("me", "POST /tasks/delayed", "key", asked)
    return Order(type="echo", receipt=receipt, payload={"n": 1}, **fields)


async def test_a_task_with_a_receipt_is_taken_once(stage: Stage) -> None:
    """And told as it was then, whatever has become of it."""
    fields: Any = {"delay": 5 * SECOND, "priority": 3, "max_attempts": 2}
    first = await stage.service.submit_once(keyed(**fields))
    assert not first.replayed
    stage.clock.move(5 * SECOND)
    await stage.service.reschedule(first.task.id, None, 9)
    await stage.step(first.task.id, die)
    for _ in range(2):
        again = await stage.service.submit_once(keyed(**fields))
        assert again == Submitted(first.task, replayed=True)
    assert len(await stage.service.list(TaskQuery())) == 1
    with pytest.raises(Invalid, match="another request"):
        await stage.service.submit_once(keyed(b"other", **fields))
    stage.clock.move(SECOND)
    await stage.tasks.purge(timedelta(0))
    with pytest.raises(NotFound) as gone:
        await stage.service.submit_once(keyed(**fields))
    assert gone.value.code == "answer_gone"
    assert await stage.service.list(TaskQuery()) == []


async def test_a_task_with_a_receipt_is_told_when_its_time_is_over(stage: Stage) -> None:
    run_at = stage.clock.now + SECOND
    first = await stage.service.submit_once(keyed(run_at=run_at))
    stage.clock.move(timedelta(hours=1))
    assert (await stage.service.submit_once(keyed(run_at=run_at))).task == first.task


async def test_what_is_refused_is_not_kept(stage: Stage) -> None:
    orders = [Order(type="other"), Order(type="echo", run_at=stage.clock.now + 2 * DELAY_MAX)]
    for order in orders:
        with pytest.raises(Invalid):
            await stage.service.submit(order)
    assert await stage.service.list(TaskQuery()) == []
    assert stage.announced == 0


async def test_there_may_be_no_such_task(stage: Stage) -> None:
    service, nobody = stage.service, new_id()
    for call in (
        service.read(nobody),
        service.wait(nobody, 10),
        service.cancel(nobody),
        service.retry(nobody),
        service.reschedule(nobody, None, 1),
    ):
        with pytest.raises(NotFound):
            await call


async def test_cancel_reschedule_and_retry(stage: Stage) -> None:
    service = stage.service
    task = await service.submit(Order(type="echo"))
    later = await service.reschedule(task.id, lambda at: at + SECOND, None)
    assert (later.run_at, later.priority) == (stage.clock.now + SECOND, 0)
    urgent = await service.reschedule(task.id, None, 9)
    assert (urgent.run_at, urgent.priority) == (later.run_at, 9)
    with pytest.raises(Conflict):
        await service.retry(task.id)
    assert (await service.cancel(task.id)).status is Status.CANCELLED
    with pytest.raises(Conflict):
        await service.cancel(task.id)
    with pytest.raises(Conflict):
        await service.reschedule(task.id, None, 1)
    dead = await service.submit(Order(type="echo"))
    await stage.step(dead.id, die)
    assert (await service.retry(dead.id)).status is Status.SCHEDULED
    running = await service.submit(Order(type="echo"))
    await stage.step(running.id, start)
    asked = await service.cancel(running.id)
    assert (asked.status, asked.cancelling) == (Status.RUNNING, True)


@pytest.mark.parametrize("by", [-60 * SECOND, DELAY_MAX + SECOND])
async def test_a_time_out_of_reach_changes_nothing(stage: Stage, by: timedelta) -> None:
    task = await stage.service.submit(Order(type="echo"))
    with pytest.raises(Invalid):
        await stage.service.reschedule(task.id, lambda at: at + by, None)
    assert await stage.service.read(task.id) == task


@pytest.mark.parametrize("priority", [-1, 10])
async def test_a_priority_that_there_is_not_changes_nothing(stage: Stage, priority: int) -> None:
    task = await stage.service.submit(Order(type="echo"))
    with pytest.raises(Invalid):
        await stage.service.reschedule(task.id, None, priority)
    assert await stage.service.read(task.id) == task


# Waiting


async def test_one_that_has_ended_needs_no_wait(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    assert await stage.service.wait(task.id, 0) == task
    done = await stage.service.cancel(task.id)
    assert await stage.service.wait(task.id, 20) == done
    assert stage.service._waiting._looking is None


async def test_who_waits_is_told_when_it_ends(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    waiting = [asyncio.create_task(stage.service.wait(task.id, 20)) for _ in range(3)]
    await asyncio.sleep(0.05)
    done = await stage.service.cancel(task.id)
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*waiting) == [done] * 3


async def test_who_waits_in_vain_is_told_how_it_stands(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    assert await stage.service.wait(task.id, 0.05) == task
    await until(lambda: stage.service._waiting._looking is None)
    assert stage.service._waiting._waiters == {}


async def test_nobody_waits_for_longer_than_is_allowed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_MAX", 0.05)
    task = await stage.service.submit(Order(type="echo"))
    began = time.monotonic()
    assert await stage.service.wait(task.id, 1e9) == task
    assert time.monotonic() - began < PATIENCE


async def test_all_who_wait_are_one_read(stage: Stage) -> None:
    tasks = [await stage.service.submit(Order(type="echo")) for _ in range(30)]
    waiting = [asyncio.create_task(stage.service.wait(task.id, 0.35)) for task in tasks]
    await asyncio.gather(*waiting)
    looks = stage.tasks.calls["get"] - 2 * len(tasks)
    assert 1 <= looks <= 4


async def test_one_that_is_forgotten_meanwhile_is_not_there(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    waiting = asyncio.create_task(stage.service.wait(task.id, 20))
    await asyncio.sleep(0.05)
    del stage.tasks._rows[task.id]
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(NotFound):
            await waiting


async def test_who_waits_sits_an_outage_out(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    waiting = asyncio.create_task(stage.service.wait(task.id, 20))
    await until(lambda: stage.tasks.calls["get"] == 1)
    stage.tasks.down = True
    await until(lambda: stage.tasks.calls["get"] >= 3)
    stage.tasks.down = False
    done = await stage.service.cancel(task.id)
    async with asyncio.timeout(PATIENCE):
        assert await waiting == done


async def test_who_waits_is_told_of_an_outage_that_lasts(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    waiting = asyncio.create_task(stage.service.wait(task.id, 0.2))
    await until(lambda: stage.tasks.calls["get"] == 1)
    stage.tasks.down = True
    with pytest.raises(Unavailable):
        await waiting


async def test_one_who_goes_away_leaves_the_others_waiting(stage: Stage) -> None:
    task = await stage.service.submit(Order(type="echo"))
    gone, stays = (asyncio.create_task(stage.service.wait(task.id, 20)) for _ in range(2))
    await asyncio.sleep(0.05)
    gone.cancel()
    await asyncio.wait([gone])
    done = await stage.service.cancel(task.id)
    async with asyncio.timeout(PATIENCE):
        assert await stays == done
    again = await stage.service.submit(Order(type="echo"))
    waiting = asyncio.create_task(stage.service.wait(again.id, 20))
    await asyncio.sleep(0.05)
    done = await stage.service.cancel(again.id)
    async with asyncio.timeout(PATIENCE):
        assert await waiting == done, "and those who come later are looked after"
