"""What is due is handed over, whoever is away and whoever was lost."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.errors import Unavailable
from profilecore.order import Order
from profilecore.ports import Due
from profilecore.task import LOST, Status, Task
from profilecore.tasks import Dispatcher, Handler, Handlers
from profilecore.tasks import dispatcher as module
from profilecore.tasks.dispatcher import CLAIM
from profilecore.testing.samples import SECOND
from tests.unit.core.tasks.doubles import Clock, SwitchedQueue, SwitchedTasks, until

QUEUED_FOR = 60 * SECOND
POLL = 7.0


class Stage:
    def __init__(self, **asked: Any) -> None:
        self.clock = Clock()
        self.tasks = SwitchedTasks(self.clock)
        self.queue = SwitchedQueue()
        self.handlers = Handlers([Handler(type="slow", run=print, queue="slow")])
        self.dispatcher = self.another(**asked)

    def another(self, **asked: Any) -> Dispatcher:
        usual: dict[str, Any] = {"queued_for": QUEUED_FOR, "poll": POLL}
        dispatcher = Dispatcher(self.tasks, self.queue, self.handlers, **usual | asked)
        dispatcher.mark_after = 0.0
        return dispatcher

    async def add(self, **asked: Any) -> UUID:
        order = Order(**{"type": "echo"} | asked)
        await self.tasks.add([order])
        return order.id

    def row(self, task_id: UUID) -> Task:
        return self.tasks._rows[task_id]

    @property
    def came(self) -> list[UUID]:
        return [due.task_id for due in self.queue.came]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)


async def test_a_due_task_is_put_and_marked(stage: Stage) -> None:
    echo = await stage.add(priority=3, trace={"x-request-id": "r1"})
    slow = await stage.add(type="slow")
    await stage.dispatcher.advance()
    assert stage.queue.came == [
        Due(echo, "default", 3, {"x-request-id": "r1"}),
        Due(slow, "slow", 0, {}),
    ]
    row = stage.row(echo)
    assert (row.status, row.due_at) == (Status.QUEUED, stage.clock.now + QUEUED_FOR)


async def test_it_is_marked_only_when_it_has_waited_for_a_while(stage: Stage) -> None:
    """As a rule a worker is faster, and its row is not written for the mark."""
    dispatcher = stage.another()
    dispatcher.mark_after = 0.05
    waits, quick = await stage.add(), await stage.add()
    await dispatcher.advance()
    assert (stage.came, stage.row(waits).status) == ([waits, quick], Status.SCHEDULED)
    await stage.tasks.write({quick: lambda task, at: task.started(at, SECOND)})
    started = stage.row(quick)
    await dispatcher.advance()
    assert stage.row(waits).status is Status.SCHEDULED
    await asyncio.sleep(0.06)
    await dispatcher.advance()
    assert (stage.row(waits).status, stage.row(quick)) == (Status.QUEUED, started)
    assert stage.tasks.calls["write"] == 2, "once for both, beside the start"


async def test_the_most_urgent_are_put_first(stage: Stage) -> None:
    tasks = {priority: await stage.add(priority=priority) for priority in (1, 9, 5)}
    await stage.dispatcher.advance()
    assert stage.came == [tasks[9], tasks[5], tasks[1]]


async def test_it_looks_again_when_the_next_is_due(stage: Stage) -> None:
    assert await stage.dispatcher.advance() == POLL
    await stage.add(delay=2 * SECOND)
    assert await stage.dispatcher.advance() == 2.0
    assert stage.came == []
    await stage.add(delay=timedelta(days=1))
    stage.clock.move(2 * SECOND)
    assert await stage.dispatcher.advance() == POLL
    assert len(stage.came) == 1


async def test_what_waits_too_long_is_put_once_more(stage: Stage) -> None:
    task = await stage.add()
    await stage.dispatcher.advance()
    stage.clock.move(QUEUED_FOR - SECOND)
    await stage.dispatcher.advance()
    assert stage.came == [task]
    stage.clock.move(SECOND)
    await stage.dispatcher.advance()
    assert stage.came == [task, task]
    assert stage.row(task).due_at == stage.clock.now + QUEUED_FOR


@pytest.mark.usefixtures("quick")
async def test_more_than_it_takes_at_once_is_gone_on_with_at_once(stage: Stage) -> None:
    tasks = [await stage.add() for _ in range(4)]
    assert await stage.dispatcher.advance() == 0.0
    assert await stage.dispatcher.advance() == POLL
    assert stage.came == tasks


async def test_a_queue_is_given_what_it_has_room_for() -> None:
    room = [2]
    stage = Stage(room=lambda: room[0])
    tasks = [await stage.add() for _ in range(3)]
    assert await stage.dispatcher.advance() == 0.0
    room[0] = 0
    assert 0.0 < await stage.dispatcher.advance() < 0.1
    room[0] = -1
    assert 0.0 < await stage.dispatcher.advance() < 0.1
    assert stage.came == tasks[:2]
    assert stage.tasks.calls["claim"] == 1, "nothing is claimed that cannot be put"


async def test_one_whose_worker_was_lost_is_rescued_and_not_put(stage: Stage) -> None:
    task = await stage.add(max_attempts=2)
    await stage.tasks.write({task: lambda task, at: task.started(at, SECOND)})
    stage.clock.move(SECOND)
    await stage.dispatcher.advance()
    row = stage.row(task)
    assert (row.status, row.error, row.attempt) == (Status.SCHEDULED, LOST, 1)
    assert stage.came == []
    stage.clock.move(10 * SECOND)
    await stage.dispatcher.advance()
    assert stage.came == [task]


async def test_one_that_is_renewed_after_the_claim_is_not_rescued(stage: Stage) -> None:
    task = await stage.add()
    await stage.tasks.write({task: lambda task, at: task.started(at, SECOND)})
    stage.clock.move(SECOND)
    stage.tasks.pause = 0.05
    advancing = asyncio.create_task(stage.dispatcher.advance())
    await until(lambda: stage.tasks.calls["write"] == 2)
    stage.tasks._rows[task] = stage.row(task).renewed(stage.clock.now, 1, 30 * SECOND)
    await advancing
    assert stage.row(task).status is Status.RUNNING


async def test_one_that_a_worker_was_faster_to_start_is_not_marked(stage: Stage) -> None:
    task = await stage.add()
    stage.tasks.pause = 0.05
    advancing = asyncio.create_task(stage.dispatcher.advance())
    await until(lambda: stage.came)
    stage.tasks._rows[task] = stage.row(task).started(stage.clock.now, 30 * SECOND)
    await advancing
    assert stage.row(task).status is Status.RUNNING


async def test_what_the_queue_refuses_is_tried_again_when_the_claim_ends(stage: Stage) -> None:
    refused, taken = await stage.add(), await stage.add()
    stage.queue.refused = {refused}
    await stage.dispatcher.advance()
    assert stage.came == [taken]
    assert stage.row(refused).status is Status.SCHEDULED
    assert stage.row(taken).status is Status.QUEUED
    stage.queue.refused = set()
    stage.clock.move(CLAIM - SECOND)
    await stage.dispatcher.advance()
    assert stage.came == [taken]
    stage.clock.move(SECOND)
    await stage.dispatcher.advance()
    assert stage.came == [taken, refused]


@pytest.mark.usefixtures("quick")
async def test_while_the_queue_is_away_it_does_not_claim_all_that_there_is(stage: Stage) -> None:
    for _ in range(10):
        await stage.add()
    stage.queue.down = True
    assert await stage.dispatcher.advance() == POLL
    assert stage.queue.calls["put"] == 3
    stage.queue.down = False
    while await stage.dispatcher.advance() == 0.0:
        pass
    assert len(stage.came) == 10


async def test_what_a_queue_that_is_away_did_not_take_is_anybodys_at_once(stage: Stage) -> None:
    task = await stage.add()
    stage.queue.down = True
    await stage.dispatcher.advance()
    assert stage.row(task).due_at == stage.clock()
    claims = (await stage.tasks.claim(1, CLAIM)).claims
    assert [claim.id for claim in claims] == [task]


async def test_a_dispatcher_whose_queue_is_away_leaves_the_tasks_to_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks less and less often, whoever wakes it, and as often as ever once one is taken."""
    monkeypatch.setattr(module, "AWAY_MAX", 0.2)
    dispatcher = stage.another(poll=0.02)
    task = await stage.add()
    stage.queue.down = True
    running = asyncio.create_task(dispatcher.run())
    try:
        for _ in range(50):
            dispatcher.wake()
            await asyncio.sleep(0.01)
            assert 1 <= stage.queue.calls["put"] < 10
        stage.queue.down = False
        await until(lambda: stage.came == [task])
    finally:
        running.cancel()


async def test_an_outage_of_the_queue_may_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For more looks than a float has powers of two."""
    monkeypatch.setattr(module, "AWAY_MAX", 0.02)
    dispatcher = stage.another(poll=0.01)
    task = await stage.add()
    stage.queue.down = True
    for _ in range(1_100):
        await dispatcher.advance()
    running = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0.1)
    stage.queue.down = False
    await until(lambda: stage.came == [task])
    running.cancel()


async def test_what_was_put_and_could_not_be_marked_comes_again(stage: Stage) -> None:
    task = await stage.add()
    stage.tasks.deaf = 1
    with pytest.raises(Unavailable):
        await stage.dispatcher.advance()
    assert stage.row(task).status is Status.QUEUED, "it was marked, and the answer was lost"
    other = await stage.add()
    stage.tasks.outcomes = [Unavailable("away")]
    await stage.dispatcher.advance()
    assert stage.row(other).status is Status.SCHEDULED
    stage.clock.move(CLAIM)
    await stage.dispatcher.advance()
    assert stage.came == [task, other, other]


async def test_a_fault_in_the_queue_is_told(stage: Stage) -> None:
    await stage.add()
    stage.queue.fault = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        await stage.dispatcher.advance()


async def test_it_runs_until_it_is_cancelled_and_waits_outages_out() -> None:
    stage = Stage(poll=0.01)
    running = asyncio.create_task(stage.dispatcher.run())
    first = await stage.add()
    await until(lambda: stage.came == [first])
    stage.tasks.down = True
    second = await stage.add()
    await until(lambda: stage.tasks.calls["claim"] > 5)
    await asyncio.sleep(0.05)
    stage.tasks.down = False
    await until(lambda: stage.came == [first, second])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_it_is_woken(stage: Stage) -> None:
    running = asyncio.create_task(stage.dispatcher.run())
    await until(lambda: stage.tasks.calls["claim"])
    task = await stage.add()
    await asyncio.sleep(0.05)
    assert stage.came == [], "it sleeps"
    stage.dispatcher.wake()
    await until(lambda: stage.came == [task])
    running.cancel()


async def test_it_is_woken_while_it_looks(stage: Stage) -> None:
    """What was added in the middle of a look is not left until the next poll."""
    stage.tasks.pause = 0.05
    running = asyncio.create_task(stage.dispatcher.run())
    await until(lambda: stage.tasks.calls["claim"])
    await asyncio.sleep(0)
    stage.dispatcher.wake()
    await until(lambda: stage.tasks.calls["claim"] == 2)
    running.cancel()


async def test_a_fault_in_the_store_ends_it(stage: Stage) -> None:
    stage.tasks.fault = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        await stage.dispatcher.run()


async def test_many_dispatchers_put_each_task_once(stage: Stage) -> None:
    tasks = [await stage.add() for _ in range(50)]
    stage.tasks.pause = 0.001
    await asyncio.gather(*(stage.another(room=lambda: 7).advance() for _ in range(8)))
    assert sorted(stage.came) == sorted(tasks)
