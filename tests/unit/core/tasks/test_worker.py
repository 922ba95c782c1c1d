"""Tasks are taken, run once, and settled, whatever goes away meanwhile."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.errors import Conflict
from profilecore.identifiers import new_id
from profilecore.ports import Due
from profilecore.task import LOST, Status, Task
from profilecore.tasks import Context, Dispatcher, Handler, Runner, Worker
from profilecore.tasks import keeper as keeper_module
from profilecore.tasks import running as running_module
from profilecore.tasks import worker as module
from profilecore.testing.samples import SECOND
from tests.unit.core.tasks.doubles import PATIENCE, Recorded, Stage, until

S = Status


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(running_module, "END_MAX", 0.1)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(module, "_LAST_PAUSE", 0.04)
    monkeypatch.setattr(module, "TAKE_MAX", 0.3)


class Work:
    """What handlers have done, and what they wait for."""

    def __init__(self) -> None:
        self.begun: list[UUID] = []
        self.go = asyncio.Event()
        self.thread = threading.Event()

    async def quick(self, context: Context, payload: Any) -> Any:
        self.begun.append(context.attempt.task_id)
        return payload

    async def slow(self, context: Context, payload: Any) -> str:
        self.begun.append(context.attempt.task_id)
        await self.go.wait()
        return "slow"

    async def failing(self, context: Context, payload: Any) -> None:
        self.begun.append(context.attempt.task_id)
        raise ValueError(f"attempt {context.attempt.number} of {context.attempt.of}")

    async def deaf(self, context: Context, payload: Any) -> None:
        """Swallows its cancellation."""
        self.begun.append(context.attempt.task_id)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await self.go.wait()

    def stuck(self, context: Context, payload: Any) -> str:
        """A thread that nothing ends."""
        self.begun.append(context.attempt.task_id)
        self.thread.wait(2 * PATIENCE)
        return "late"

    def looking(self, context: Context, payload: Any) -> None:
        """A thread that gives way."""
        self.begun.append(context.attempt.task_id)
        while not self.thread.wait(0.01):
            context.stop_if_cancelled()


@pytest.fixture
async def work() -> Any:
    work = Work()
    yield work
    work.go.set()
    work.thread.set()
    await asyncio.sleep(0)


def handlers(work: Work, **asked: Any) -> list[Handler]:
    names = ("quick", "slow", "failing", "deaf", "stuck", "looking")
    return [Handler(type=name, run=getattr(work, name), **asked) for name in names]


@pytest.fixture
async def stage(work: Work) -> Any:
    stage = Stage(*handlers(work))
    running = stage.start()
    yield stage
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def stopped(stage: Stage, running: "asyncio.Task[None]", grace: float) -> float:
    """Drain the worker; give how many seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await stage.worker.drain(grace)
        await running
    return time.monotonic() - began


# What happens to a task that is taken


async def test_a_task_is_run_and_settled_and_then_acked(stage: Stage, work: Work) -> None:
    task_id = await stage.order("quick", payload={"n": 1})
    (task,) = await stage.ended(task_id)
    assert (task.status, task.result, task.attempt) == (S.SUCCEEDED, {"n": 1}, 1)
    await until(lambda: not stage.unsettled)
    assert work.begun == [task_id]
    assert stage.announced == 0, "nothing is due because of it"


async def test_nothing_is_left_of_a_run_that_has_ended() -> None:
    """Its time would be over only in minutes, and there may be thousands a second."""
    left: list[weakref.ref[Context]] = []

    async def handler(context: Context, payload: Any) -> None:
        left.append(weakref.ref(context))

    stage = Stage(Handler(type="x", run=handler))
    running = stage.start()
    await stage.ended(await stage.order("x"))
    await stopped(stage, running, 1)
    gc.collect()
    assert [reference() for reference in left] == [None]


async def test_so_many_run_at_once(stage: Stage, work: Work) -> None:
    tasks = [await stage.order("slow") for _ in range(3)]
    await until(lambda: len(work.begun) == 2)
    await asyncio.sleep(0.05)
    assert work.begun == tasks[:2]
    work.go.set()
    await stage.ended(*tasks)


async def test_messages_that_come_twice_run_a_task_once(stage: Stage, work: Work) -> None:
    task_id = await stage.add("slow")
    for _ in range(3):
        await stage.queue.put(Due(task_id))
    await until(lambda: stage.queue.calls["ack"] == 2)
    work.go.set()
    await stage.ended(task_id)
    await stage.queue.put(Due(task_id))
    await until(lambda: stage.queue.calls["ack"] == 4)
    assert work.begun == [task_id]


async def test_a_message_that_comes_too_early_is_dropped(stage: Stage, work: Work) -> None:
    task_id = await stage.order("quick", delay=60 * SECOND)
    await until(lambda: stage.queue.calls["ack"])
    assert stage.status(task_id) is S.SCHEDULED
    assert not work.begun


async def test_a_message_of_no_task_is_buried(stage: Stage) -> None:
    nobody = new_id()
    await stage.queue.put(Due(nobody))
    await until(lambda: stage.queue.buried == [nobody])


async def test_a_failure_is_tried_again_until_the_last_attempt(stage: Stage, work: Work) -> None:
    task_id = await stage.order("failing", max_attempts=2)
    await until(lambda: stage.row(task_id).errors)
    assert (stage.status(task_id), stage.announced) == (S.SCHEDULED, 1)
    stage.tasks._rows[task_id] = stage.row(task_id).rescheduled(
        stage.row(task_id).created_at, stage.row(task_id).created_at, None
    )
    await stage.queue.put(Due(task_id))
    (task,) = await stage.ended(task_id)
    assert task.status is S.DEAD
    assert [e.text for e in task.errors] == [
        "ValueError: attempt 1 of 2",
        "ValueError: attempt 2 of 2",
    ]
    assert stage.announced == 1


async def test_one_that_always_fails_delays_none(stage: Stage) -> None:
    bad = await stage.order("failing", max_attempts=1)
    good = [await stage.order("quick") for _ in range(100)]
    tasks = await stage.ended(bad, *good)
    assert [task.status for task in tasks] == [S.DEAD, *[S.SUCCEEDED] * 100]


@pytest.mark.parametrize("type_", ["slow", "deaf", "stuck", "looking"])
async def test_one_that_never_returns_is_ended_by_its_time(work: Work, type_: str) -> None:
    stage = Stage(*handlers(work, timeout=timedelta(seconds=0.05)), concurrency=1)
    running = stage.start()
    task_id = await stage.order(type_, max_attempts=1)
    other = await stage.order("quick")
    (task, _) = await stage.ended(task_id, other)
    assert (task.status, task.error) == (S.DEAD, "took longer than 0.05 s")
    await stopped(stage, running, 1)


@pytest.mark.parametrize("type_", ["slow", "looking"])
async def test_a_running_task_is_cancelled(stage: Stage, work: Work, type_: str) -> None:
    task_id = await stage.order(type_)
    await until(lambda: work.begun)
    await stage.tasks.write({task_id: lambda task, at: task.cancelled(at)})
    (task,) = await stage.ended(task_id)
    assert (task.status, task.error) == (S.CANCELLED, None)


async def test_a_type_that_nobody_knows_waits_visibly_and_runs_once_a_worker_does(
    stage: Stage, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POSTPONED_FOR", timedelta(seconds=0.1))
    task_id = await stage.order("new")
    await until(lambda: stage.row(task_id).errors)
    task = stage.row(task_id)
    assert (task.status, task.attempt) == (S.SCHEDULED, 0)
    assert task.error == "no worker that was asked knows the type new"
    await until(lambda: not stage.unsettled)
    await stage.worker.drain(0)
    knowing = stage.another(Handler(type="new", run=work.quick))
    running = asyncio.create_task(knowing.run())
    dispatcher = Dispatcher(
        stage.tasks, stage.queue, stage.handlers, queued_for=60 * SECOND, poll=0.02
    )
    dispatching = asyncio.create_task(dispatcher.run())
    (task,) = await stage.ended(task_id)
    assert (task.status, work.begun) == (S.SUCCEEDED, [task_id])
    for each in (dispatching, running):
        each.cancel()


async def test_progress_is_seen_while_it_runs(work: Work) -> None:
    async def half(context: Context, payload: Any) -> None:
        context.progress(0.5)
        await work.go.wait()

    stage = Stage(Handler(type="half", run=half))
    running = stage.start()
    task_id = await stage.order("half")
    await until(lambda: stage.row(task_id).progress == 0.5)
    work.go.set()
    (task,) = await stage.ended(task_id)
    assert task.progress == 1.0
    await stopped(stage, running, 1)


async def test_a_run_is_inside_what_is_put_around_it() -> None:
    stage, seen = Stage(Handler(type="x", run=Work().quick)), list[Any]()

    @contextmanager
    def around(task: Task) -> Iterator[None]:
        seen.append(dict(task.trace))
        yield
        seen.append("left")

    worker = Worker(
        stage.tasks, stage.queue, stage.handlers, Runner(Recorded()), stage.rules, around=around
    )
    running = asyncio.create_task(worker.run())
    await stage.ended(await stage.order("x", trace={"x-request-id": "r1"}))
    assert seen == [{"x-request-id": "r1"}, "left"]
    await worker.drain(1)
    await running


# What goes away


async def test_while_the_queue_is_away_it_waits(stage: Stage) -> None:
    stage.queue.down = True
    await until(lambda: stage.queue.calls["take"] > 3)
    stage.queue.down = False
    await stage.ended(await stage.order("quick"))


async def test_one_that_could_not_be_started_is_given_back(stage: Stage, work: Work) -> None:
    stage.tasks.down = True
    task_id = await stage.order("quick")
    await until(lambda: stage.queue.calls["retry"])
    stage.tasks.down = False
    (task,) = await stage.ended(task_id)
    assert (task.attempt, work.begun) == (1, [task_id])


async def test_one_whose_start_was_undecided_is_given_back(stage: Stage, work: Work) -> None:
    stage.tasks.outcomes = [Conflict("kept changing")]
    task_id = await stage.order("quick")
    await stage.ended(task_id)
    assert stage.queue.calls["retry"] == 1


async def test_one_whose_start_was_kept_and_the_answer_lost_is_rescued(work: Work) -> None:
    stage = Stage(*handlers(work), lease=timedelta(seconds=0.3))
    running = stage.start()
    stage.tasks.deaf = 1
    task_id = await stage.order("quick")
    dispatcher = Dispatcher(
        stage.tasks, stage.queue, stage.handlers, queued_for=60 * SECOND, poll=0.02
    )
    dispatching = asyncio.create_task(dispatcher.run())
    (task,) = await stage.ended(task_id)
    assert [failure.text for failure in task.errors] == [LOST]
    assert (task.status, task.attempt, work.begun) == (S.SUCCEEDED, 2, [task_id])
    dispatching.cancel()
    await stopped(stage, running, 1)


async def test_the_settling_is_tried_again_while_the_store_is_away(
    stage: Stage, work: Work
) -> None:
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.tasks.down = True
    work.go.set()
    await until(lambda: stage.tasks.calls["write"] > 3)
    assert stage.unsettled == 1, "not acked before it is settled"
    stage.tasks.down = False
    (task,) = await stage.ended(task_id)
    assert (task.status, work.begun) == (S.SUCCEEDED, [task_id])


async def test_a_settling_that_others_were_faster_than_is_tried_again(
    stage: Stage, work: Work
) -> None:
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.tasks.outcomes = [Conflict("kept changing"), Conflict("kept changing")]
    work.go.set()
    (task,) = await stage.ended(task_id)
    assert task.status is S.SUCCEEDED


async def test_a_settling_whose_answer_was_lost_is_not_done_twice(stage: Stage, work: Work) -> None:
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.tasks.deaf = 1
    work.go.set()
    (task,) = await stage.ended(task_id)
    await until(lambda: not stage.unsettled)
    assert stage.row(task_id) == task


async def test_one_whose_lease_ends_while_the_store_is_away_is_given_up(work: Work) -> None:
    """Before anybody else can have it."""
    stage = Stage(*handlers(work), lease=timedelta(seconds=0.2), concurrency=1)
    running = stage.start()
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.tasks.down = True
    await until(lambda: not stage.unsettled)
    stage.tasks.down = False
    task = stage.row(task_id)
    assert (task.status, task.fence, task.errors) == (S.RUNNING, 1, ()), "left to be rescued"
    await stopped(stage, running, 1)


async def test_a_settling_is_given_up_when_the_lease_ends(work: Work) -> None:
    stage = Stage(*handlers(work), lease=timedelta(seconds=0.3), concurrency=1)
    running = stage.start()
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.tasks.down = True
    work.go.set()
    await until(lambda: not stage.unsettled)
    stage.tasks.down = False
    assert stage.status(task_id) is S.RUNNING
    assert await stopped(stage, running, 1) < 1


async def test_a_zombie_is_refused_and_stopped(stage: Stage, work: Work) -> None:
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    row = stage.row(task_id)
    other = row.handed_back(row.run_at, 1).started(row.run_at, 30 * SECOND)
    stage.tasks._rows[task_id] = other
    await until(lambda: not stage.unsettled)
    assert stage.row(task_id) == other


async def test_a_message_that_could_not_be_acked_comes_again_and_does_nothing(
    stage: Stage, work: Work
) -> None:
    stage.queue.deaf = True
    task_id = await stage.order("quick")
    await stage.ended(task_id)
    await until(lambda: stage.queue.calls["ack"] == 1)
    stage.queue.deaf = False
    await stage.queue.put(Due(task_id))
    await until(lambda: stage.queue.calls["ack"] == 2)
    assert work.begun == [task_id]


@pytest.mark.parametrize("where", ["queue", "store", "keeper"])
async def test_a_fault_ends_the_worker(work: Work, where: str) -> None:
    """Above all one in what keeps the leases: nothing can be run safely without it."""
    stage = Stage(*handlers(work))
    await stage.order("slow")
    if where == "queue":
        stage.queue.fault = ZeroDivisionError("a fault")
    if where == "store":
        stage.tasks.fault = ZeroDivisionError("a fault")
    running = stage.start()
    if where == "keeper":
        await until(lambda: work.begun)
        stage.tasks.fault = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(running, PATIENCE)


# The end


async def test_idle_slots_end_at_once(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAKE_MAX", 60.0)
    stage = Stage(*handlers(work), concurrency=5)
    running = stage.start()
    await until(lambda: stage.queue.calls["take"] == 5)
    assert await stopped(stage, running, 30) < 1


@pytest.mark.parametrize("turns", range(5))
async def test_it_can_be_drained_at_any_moment_of_its_start(work: Work, turns: int) -> None:
    stage = Stage(*handlers(work))
    running = stage.start()
    for _ in range(turns):
        await asyncio.sleep(0)
    assert await stopped(stage, running, 30) < 1


async def test_what_runs_may_finish_and_nothing_new_is_begun(work: Work) -> None:
    stage = Stage(*handlers(work), concurrency=1)
    running = stage.start()
    first, second = await stage.order("slow"), await stage.order("quick")
    await until(lambda: work.begun)
    asyncio.get_running_loop().call_later(0.1, work.go.set)
    assert await stopped(stage, running, 30) < 2
    assert (stage.status(first), stage.status(second)) == (S.SUCCEEDED, S.SCHEDULED)
    assert stage.queue.waiting == 1
    assert work.begun == [first]


async def test_while_the_queue_is_away_what_runs_may_finish_too(work: Work) -> None:
    stage = Stage(*handlers(work))
    running = stage.start()
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    stage.queue.down = True
    before = stage.queue.calls["take"]
    await until(lambda: stage.queue.calls["take"] > before + 1)
    asyncio.get_running_loop().call_later(0.1, work.go.set)
    await stopped(stage, running, 30)
    assert stage.status(task_id) is S.SUCCEEDED


@pytest.mark.parametrize("type_", ["slow", "looking"])
async def test_what_does_not_finish_is_handed_back_with_its_attempt(work: Work, type_: str) -> None:
    stage = Stage(*handlers(work))
    running = stage.start()
    task_id = await stage.order(type_, max_attempts=1)
    await until(lambda: work.begun)
    assert 0.1 <= await stopped(stage, running, 0.1) < 2
    task = stage.row(task_id)
    assert (task.status, task.attempt, task.errors) == (S.SCHEDULED, 0, ())
    assert task.due_at == task.updated_at, "due at once"
    assert stage.announced == 1
    assert stage.unsettled == 0


async def test_what_is_being_started_is_handed_back_too(work: Work) -> None:
    stage = Stage(*handlers(work))
    stage.tasks.pause = 0.2
    running = stage.start()
    task_id = await stage.order("slow")
    await until(lambda: stage.tasks.calls["write"])
    assert await stopped(stage, running, 0.0) < 2
    task = stage.row(task_id)
    assert (task.status, task.attempt, task.fence) == (S.SCHEDULED, 0, 1)


async def test_what_is_being_started_may_finish_within_the_grace(work: Work) -> None:
    stage = Stage(*handlers(work))
    stage.tasks.pause = 0.1
    running = stage.start()
    task_id = await stage.order("quick")
    await until(lambda: stage.tasks.calls["write"])
    await stopped(stage, running, 30)
    assert stage.status(task_id) is S.SUCCEEDED


@pytest.mark.parametrize("type_", ["stuck", "deaf"])
async def test_what_does_not_end_is_left_to_its_lease(work: Work, type_: str) -> None:
    """Nobody may begin it while it may still go on."""
    stage = Stage(*handlers(work))
    running = stage.start()
    task_id = await stage.order(type_)
    await until(lambda: work.begun)
    assert await stopped(stage, running, 0.05) < 2
    task = stage.row(task_id)
    assert (task.status, task.attempt) == (S.RUNNING, 1)


async def test_one_that_was_to_be_cancelled_stays_cancelled_when_it_is_handed_back(
    work: Work,
) -> None:
    stage = Stage(*handlers(work))
    running = stage.start()
    task_id = await stage.order("slow")
    await until(lambda: work.begun)
    row = stage.row(task_id)
    stage.tasks._rows[task_id] = row.cancelled(row.updated_at)
    await stage.worker.drain(0)
    await running
    assert stage.status(task_id) is S.CANCELLED


async def queued(stage: Stage, *, marked: bool = True) -> UUID:
    """A task that is in the queue."""
    task_id = await stage.add("quick")
    dispatcher = Dispatcher(stage.tasks, stage.queue, stage.handlers, queued_for=60 * SECOND)
    dispatcher.mark_after = 0.0 if marked else 60.0
    await dispatcher.advance()
    assert stage.status(task_id) is (S.QUEUED if marked else S.SCHEDULED)
    return task_id


@pytest.mark.parametrize("empties", [False, True])
async def test_a_queue_that_ends_with_its_process_is_emptied(work: Work, empties: bool) -> None:
    stage = Stage(*handlers(work), concurrency=1, empties=empties)
    running = stage.start()
    await stage.order("slow")
    await until(lambda: work.begun)
    left = [await queued(stage) for _ in range(3)]
    work.go.set()
    asyncio.get_running_loop().call_soon(stage.worker._draining.set)
    await stopped(stage, running, 1)
    status = S.SCHEDULED if empties else S.QUEUED
    assert [stage.status(task_id) for task_id in left] == [status] * 3
    assert stage.queue.waiting == (0 if empties else 3)


async def test_what_is_left_in_such_a_queue_is_due_at_once_marked_or_not(work: Work) -> None:
    stage = Stage(*handlers(work), empties=True)
    left = [await queued(stage, marked=marked) for marked in (False, True)]
    await stage.worker.drain(0)
    await stage.worker.run()
    claims = (await stage.tasks.claim(3, SECOND)).claims
    assert {claim.id for claim in claims} == set(left)


async def test_a_queue_is_emptied_also_while_the_store_is_away(work: Work) -> None:
    """Then the tasks are due again when they have been queued for too long."""
    stage = Stage(*handlers(work), empties=True)
    left = await queued(stage)
    await stage.worker.drain(0)
    stage.tasks.down = True
    await asyncio.wait_for(stage.worker.run(), PATIENCE)
    assert (stage.status(left), stage.queue.waiting) == (S.QUEUED, 0)
