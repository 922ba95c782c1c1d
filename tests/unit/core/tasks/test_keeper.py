"""What runs is kept: leases are renewed, cancellations seen, lost tasks given up."""

import asyncio
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.errors import Conflict
from profilecore.order import Order
from profilecore.task import Status, Task
from profilecore.tasks import Context
from profilecore.tasks import keeper as module
from profilecore.tasks.handlers import Attempt
from profilecore.tasks.keeper import Keeper
from profilecore.tasks.running import Run, Why
from profilecore.testing.samples import SECOND
from tests.unit.core.tasks.doubles import SwitchedTasks, until

LEASE = 30 * SECOND


class Stage:
    def __init__(self, lease: timedelta = LEASE) -> None:
        self.tasks = SwitchedTasks()
        self.lease = lease
        self.keeper = Keeper(self.tasks, lease)
        self.stack = ExitStack()

    async def run(self, age: float = 0.0) -> Run:
        """A run under way, which has held its lease for so many seconds."""
        order = Order(type="echo")
        await self.tasks.add([order])
        task = await self.step(order.id, lambda task, at: task.started(at, self.lease))
        work = asyncio.create_task(asyncio.sleep(60))
        run = Run(task, Context(Attempt(task.id, 1, 5), task.type), work)
        self.stack.enter_context(self.keeper.keeping(run, time.monotonic() - age))
        return run

    async def step(self, task_id: UUID, step: Any) -> Task:
        outcome = (await self.tasks.write({task_id: step}))[task_id]
        assert isinstance(outcome, Task)
        return outcome

    def row(self, run: Run) -> Task:
        return self.tasks._rows[run.task.id]

    async def looked(self) -> int:
        """Look once; give the number of writes that this took."""
        before = self.tasks.calls["write"]
        await self.keeper.look()
        return self.tasks.calls["write"] - before


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_lease_is_renewed_after_a_third_of_it(stage: Stage) -> None:
    young = await stage.run(age=9.0)
    assert await stage.looked() == 0
    old = await stage.run(age=11.0)
    before = stage.row(old).due_at
    assert await stage.looked() == 1
    after = stage.row(old).due_at
    assert before is not None
    assert after is not None
    assert after > before
    assert stage.row(young).revision == young.task.revision
    assert await stage.looked() == 0, "that will do for a while"
    assert (young.why, old.why) == (None, None)


async def test_all_that_is_to_be_renewed_is_one_write(stage: Stage) -> None:
    for _ in range(20):
        await stage.run(age=20.0)
    assert await stage.looked() == 1


async def test_progress_is_shown_at_the_next_look_and_once(stage: Stage) -> None:
    run = await stage.run()
    run.context.progress(0.25)
    assert await stage.looked() == 1
    assert stage.row(run).progress == 0.25
    assert await stage.looked() == 0
    run.context.progress(0.0)
    assert await stage.looked() == 1
    assert stage.row(run).progress == 0.0


async def test_progress_during_a_write_is_shown_by_the_next(stage: Stage) -> None:
    run = await stage.run()
    run.context.progress(0.25)
    stage.tasks.pause = 0.02
    looking = asyncio.create_task(stage.keeper.look())
    await until(lambda: stage.tasks.calls["write"] == 2)
    run.context.progress(0.5)
    await looking
    assert stage.row(run).progress == 0.25
    await stage.keeper.look()
    assert stage.row(run).progress == 0.5


async def test_a_task_that_is_to_stop_is_ended(stage: Stage) -> None:
    run, other = await stage.run(), await stage.run()
    await stage.step(run.task.id, lambda task, at: task.cancelled(at))
    await stage.looked()
    assert (run.why, other.why) == (Why.CANCELLED, None)


@pytest.mark.parametrize("age", [0.0, 20.0], ids=["seen", "refused"])
@pytest.mark.parametrize("how", ["rescued", "started again", "ended"])
async def test_a_task_that_somebody_else_has_is_given_up(
    stage: Stage, age: float, how: str
) -> None:
    run = await stage.run(age)
    row = stage.row(run)
    assert row.due_at is not None
    taken = row.handed_back(row.due_at, 1)
    if how == "started again":
        taken = taken.started(row.due_at, LEASE)
    elif how == "ended":
        taken = taken.cancelled(row.due_at)
    stage.tasks._rows[row.id] = taken
    await stage.looked()
    assert run.why is Why.LOST
    assert stage.row(run) == taken


async def test_a_task_that_is_gone_is_given_up(stage: Stage) -> None:
    run = await stage.run(age=20.0)
    del stage.tasks._rows[run.task.id]
    await stage.looked()
    assert run.why is Why.LOST


async def test_while_the_store_is_away_a_lease_shows_how_long_that_may_last(stage: Stage) -> None:
    long, short = await stage.run(age=20.0), await stage.run(age=30.1)
    stage.tasks.down = True
    await stage.looked()
    assert (long.why, short.why) == (None, Why.LOST)
    assert stage.keeper.lost(short.task.id)
    assert not stage.keeper.lost(long.task.id)


async def test_a_renewed_lease_is_counted_from_before_it_was_asked_for(stage: Stage) -> None:
    """The store has begun it later, so that it is never held for longer here than there."""
    run = await stage.run(age=20.0)
    stage.tasks.pause = 0.1
    began = time.monotonic()
    await stage.keeper.look()
    assert stage.keeper._held_until[run.task.id] == pytest.approx(began + 30, abs=0.09)


async def test_an_answer_that_was_lost_renews_nothing(stage: Stage) -> None:
    run = await stage.run(age=20.0)
    stage.tasks.deaf = 1
    assert await stage.looked() == 1
    assert await stage.looked() == 1
    assert run.why is None
    assert await stage.looked() == 0


async def test_a_renewal_that_others_were_faster_than_is_tried_again(stage: Stage) -> None:
    run = await stage.run(age=20.0)
    stage.tasks.outcomes = [Conflict("kept changing")]
    assert await stage.looked() == 1
    assert run.why is None
    assert await stage.looked() == 1
    assert await stage.looked() == 0


async def test_what_is_done_and_not_settled_yet_is_not_ended(stage: Stage) -> None:
    run = await stage.run(age=20.0)
    run.work.cancel()
    await asyncio.wait([run.work])
    stage.tasks._rows[run.task.id] = stage.row(run).cancelled(run.task.created_at)
    await stage.looked()
    assert run.why is None
    assert stage.row(run).due_at != run.task.due_at, "and is renewed until it is settled"


async def test_a_task_is_lost_if_it_is_not_kept(stage: Stage) -> None:
    run = await stage.run()
    assert not stage.keeper.lost(run.task.id)
    stage.stack.close()
    assert stage.keeper.lost(run.task.id)


async def test_one_that_ends_during_a_look_is_forgotten(stage: Stage) -> None:
    run = await stage.run(age=20.0)
    stage.tasks.pause = 0.02
    looking = asyncio.create_task(stage.keeper.look())
    await until(lambda: stage.tasks.calls["write"] == 2)
    stage.stack.close()
    await looking
    assert stage.keeper.lost(run.task.id)
    assert not stage.keeper._held_until


async def test_a_second_start_in_the_same_process_is_kept_when_the_first_ends(
    stage: Stage,
) -> None:
    first = await stage.run()
    first.context.progress(0.5)
    await stage.looked()
    row = stage.row(first)
    again = row.handed_back(row.run_at, 1).started(row.run_at, LEASE)
    stage.tasks._rows[row.id] = again
    second = Run(again, first.context, asyncio.create_task(asyncio.sleep(60)))
    with stage.keeper.keeping(second, time.monotonic()):
        stage.stack.close()
        assert not stage.keeper.lost(row.id)
        await stage.looked()
        assert second.why is None
        assert stage.row(second).progress == 0.5, "shown, though the first had shown the same"
    assert stage.keeper.lost(row.id)


async def test_all_are_ended_where_the_process_stops_and_those_to_come(stage: Stage) -> None:
    """A task may be in the middle of its start."""
    before = await stage.run()
    stage.keeper.hand_back()
    after = await stage.run()
    assert (before.why, after.why) == (Why.STOPPING, Why.STOPPING)


async def test_it_looks_as_long_as_there_are_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    stage = Stage(lease=timedelta(seconds=0.3))
    keeping = asyncio.create_task(stage.keeper.run())
    await asyncio.sleep(0.05)
    assert not stage.tasks.calls, "nothing to do"
    run = await stage.run()
    await asyncio.sleep(0.6)
    assert run.why is None, "it was renewed"
    assert stage.row(run).status is Status.RUNNING
    stage.stack.close()
    await asyncio.sleep(0.05)
    before = stage.tasks.calls["get"]
    await asyncio.sleep(0.05)
    assert stage.tasks.calls["get"] == before
    keeping.cancel()
