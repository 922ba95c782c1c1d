"""Any Tasks and Queue, played against a model: orders, takers that get lost, clocks that move.

The model knows each row by its own rules, not by those of the entity. What it expects of every
step is compared with what was stored, and at the end everything that was accepted has to end.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from profilecore.ports import Due, Lease
from profilecore.task import Status, Step
from profilecore.testing.task_model import (
    LEASE,
    PAUSE,
    WAITING,
    Hold,
    facts,
    moves,
)
from profilecore.testing.task_play import TaskPlay


class TaskMachine(TaskPlay):
    """Subclass it with `traits` of the store and its two places; its `TestCase` is the test.

    `wait` is how many seconds a message that is in the queue may take to come.
    """

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            self.run(self.queues.close())
            self.run(self.place.close())
            self.runner.close()

    @rule(data=st.data())
    def come_again(self, data: st.DataObject) -> None:
        """A message that somebody has put twice, or that was forgotten long ago."""
        task_id = self.pick(data)
        self.run(self.queue.put(Due(task_id)))
        self.messages[task_id] += 1

    def take(self) -> Lease:
        lease = self.run(self.queue.take(self.wait))
        assert lease is not None
        assert self.messages[lease.task_id] > 0
        return lease

    def ack(self, lease: Lease) -> None:
        self.run(self.queue.ack(lease))
        self.messages[lease.task_id] -= 1

    @precondition(lambda self: self.messages.total())
    @rule()
    def lose_a_message(self) -> None:
        self.ack(self.take())

    @precondition(lambda self: self.messages.total())
    @rule()
    def give_a_message_back(self) -> None:
        self.run(self.queue.retry(self.take()))

    # Who runs

    @rule()
    def start(self) -> None:
        if not self.messages.total():
            self.dispatch()
        if self.messages.total():
            lease = self.take()
            self.begin(lease.task_id)
            self.ack(lease)

    def begin(self, task_id: UUID) -> Hold | None:
        row = self.rows.get(task_id)
        allowed = row is not None and row.status in WAITING and row.run_at <= self.now
        task = self.step(task_id, lambda task, at: task.started(at, LEASE), allowed)
        if task is None or row is None:
            return None
        assert task.started_at == self.now
        assert task.run_at <= self.now, "never before its time"
        row.status, row.progress, row.due_at = Status.RUNNING, None, self.now + LEASE
        row.attempt += 1
        row.fence += 1
        self.holds.append(Hold(task_id, row.fence))
        return self.holds[-1]

    @precondition(lambda self: self.messages.total())
    @rule()
    def know_no_such_type(self) -> None:
        lease, why = self.take(), "nobody knows it"
        row = self.rows.get(lease.task_id)
        allowed = row is not None and row.status in WAITING
        self.step(lease.task_id, lambda task, at: task.postponed(at, PAUSE, why), allowed)
        if row and allowed:
            row.status, row.due_at = Status.SCHEDULED, self.now + PAUSE
            row.errors += [] if row.errors[-1:] == [why] else [why]
        self.ack(lease)

    @precondition(lambda self: self.holds)
    @rule(
        data=st.data(),
        how=st.sampled_from(["renew", "succeed", "succeed", "fail", "give up", "stop", "back"]),
        newest=st.booleans(),
    )
    def go_on_with_a_hold(self, data: st.DataObject, how: str, newest: bool) -> None:
        """In time, or long after it was lost: then it is refused."""
        hold = self.holds[-1] if newest else data.draw(st.sampled_from(self.holds))
        self.settle(hold, how)

    def settle(self, hold: Hold, how: str) -> None:
        steps: dict[str, Step] = {
            "renew": lambda task, at: task.renewed(at, hold.fence, LEASE, 0.5),
            "succeed": lambda task, at: task.succeeded(at, hold.fence, [1]),
            "fail": lambda task, at: task.failed(at, hold.fence, "boom"),
            "give up": lambda task, at: task.failed(at, hold.fence, "no", final=True),
            "stop": lambda task, at: task.stopped(at, hold.fence),
            "back": lambda task, at: task.handed_back(at, hold.fence),
        }
        row = self.rows[hold.task_id]
        allowed = row.status is Status.RUNNING and row.fence == hold.fence
        self.step(hold.task_id, steps[how], allowed)
        if not allowed:
            return
        if how == "renew":
            row.progress, row.due_at = 0.5, self.now + LEASE
        elif how == "succeed":
            row.end(Status.SUCCEEDED)
            row.progress = 1.0
            row.successes += 1
        elif how == "fail":
            self.failing(row, "boom")
            self.backed_off(hold.task_id, row)
        elif how == "give up":
            row.errors.append("no")
            row.end(Status.CANCELLED if row.cancelling else Status.DEAD)
        elif how == "stop" or row.cancelling:
            row.end(Status.CANCELLED)
        else:
            row.status, row.due_at, row.progress = Status.SCHEDULED, self.now, None
            row.attempt -= 1

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def empty_the_queue_of_a_task(self, data: st.DataObject) -> None:
        """What a process does whose queue ends with it."""
        task_id = self.pick(data)
        row = self.rows.get(task_id)
        allowed = row is not None and row.status in WAITING
        self.step(task_id, lambda task, at: task.released(at), allowed)
        if row and allowed:
            row.status, row.due_at = Status.SCHEDULED, max(self.now, row.run_at)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def take_away_what_it_says(self, data: st.DataObject) -> None:
        task_id = self.pick(data)
        self.run(self.tasks.blank([task_id], {}))
        row = self.rows.get(task_id)
        if row is not None:
            row.end(Status.SUCCEEDED if row.status is Status.SUCCEEDED else Status.CANCELLED)
            row.key, row.errors = None, []

    # Time, and ends of processes

    @rule(by=moves)
    def let_time_pass(self, by: timedelta) -> None:
        self.run(self.place.move(by))

    @precondition(lambda self: self.traits.durable)
    @rule()
    def reopen(self) -> None:
        self.run(self.place.close())
        self.open()

    @rule()
    def forget_the_long_ended(self) -> None:
        before = self.now - timedelta(hours=1)
        stored = self.run(self.tasks.get(list(self.rows)))
        gone = {i for i, task in stored.items() if task.finished and task.updated_at < before}
        assert self.run(self.tasks.purge(timedelta(hours=1))) == len(gone)
        self.rows = {i: row for i, row in self.rows.items() if i not in gone}
        self.holds = [hold for hold in self.holds if hold.task_id not in gone]
        self.claims = [claim for claim in self.claims if claim.id not in gone]

    @invariant()
    def rows_are_as_expected(self) -> None:
        stored = self.run(self.tasks.get([*self.rows, UUID(int=0)]))
        assert {i: facts(task) for i, task in stored.items()} == {
            i: row.facts() for i, row in self.rows.items()
        }
        for task_id, row in self.rows.items():
            assert row.attempt <= row.max_attempts
            assert row.successes == (row.status is Status.SUCCEEDED)
            assert stored[task_id].finished == (row.due_at is None), "it is seen to, or has ended"

    def everything_ends(self) -> None:
        """Whatever was lost: a dispatcher and a worker, and enough time, are all that it takes."""
        for _ in range(100):
            waiting = [row.due_at for row in self.rows.values() if row.due_at is not None]
            if not waiting:
                break
            self.run(self.place.move(max(timedelta(0), min(waiting) - self.now)))
            self.dispatch()
            while self.messages.total():
                lease = self.take()
                hold = self.begin(lease.task_id)
                if hold is not None:
                    self.settle(hold, "succeed")
                self.ack(lease)
            self.rows_are_as_expected()
        assert all(row.due_at is None for row in self.rows.values())


def played(machine: type[TaskMachine], examples: int = 100) -> Any:
    """What pytest runs."""
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    return case
