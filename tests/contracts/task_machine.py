"""Any Tasks and Queue, played against a model: orders, takers that get lost, clocks that move.

The model knows each row by its own rules, not by those of the entity. What it expects of every
step is compared with what was stored, and at the end everything that was accepted has to end.
"""

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from profilecore.errors import Conflict, NotFound, ProfilecoreError
from profilecore.order import Order
from profilecore.ports import Due, Lease, Queue
from profilecore.schedule import Claim
from profilecore.task import BACKOFF_FIRST, LOST, Status, Step, Task
from profilecore.tasks import Dispatcher, Handler, Handlers
from profilecore.tasks.dispatcher import CLAIM
from tests.contracts.places import Place, TasksPlace, Traits
from tests.contracts.samples import SECOND

T = TypeVar("T")

LEASE: Final = 7 * SECOND
QUEUED_FOR: Final = 20 * SECOND
PAUSE: Final = 3 * SECOND
WAITING: Final = frozenset({Status.SCHEDULED, Status.QUEUED})
TICK: Final = timedelta(microseconds=1)
MOST: Final = 40  # tasks in a play: fewer than a dispatcher takes at once

spans = st.sampled_from([0, 0, 1, 2, 5, 60]).map(lambda seconds: seconds * SECOND)
moves = st.sampled_from([TICK, SECOND, 2 * SECOND, CLAIM, LEASE, QUEUED_FOR, timedelta(hours=2)])


@dataclass
class Row:
    """What the model knows of a task."""

    type: str
    key: str | None
    run_at: datetime
    due_at: datetime | None
    priority: int
    max_attempts: int
    status: Status = Status.SCHEDULED
    attempt: int = 0
    fence: int = 0
    cancelling: bool = False
    progress: float | None = None
    errors: list[str] = field(default_factory=list)
    successes: int = 0

    def end(self, status: Status) -> None:
        self.status, self.due_at, self.cancelling = status, None, False

    def facts(self) -> tuple[object, ...]:
        return (
            *(self.type, self.key, self.run_at, self.due_at, self.priority, self.max_attempts),
            *(self.status, self.attempt, self.fence, self.cancelling, self.progress),
            tuple(self.errors),
        )


def facts(task: Task) -> tuple[object, ...]:
    """The same of a task that is stored."""
    return (
        *(task.type, task.unique_key, task.run_at, task.due_at, task.priority, task.max_attempts),
        *(task.status, task.attempt, task.fence, task.cancelling, task.progress),
        tuple(failure.text for failure in task.errors),
    )


@dataclass(frozen=True)
class Hold:
    """One start of a task, by somebody who believes that it is still theirs."""

    task_id: UUID
    fence: int


class TaskMachine(RuleBasedStateMachine):
    """Subclass it with `traits` of the store and its two places; its `TestCase` is the test.

    `wait` is how many seconds a message that is in the queue may take to come.
    """

    traits: Traits
    wait = 0.0

    @abstractmethod
    def make_place(self) -> TasksPlace: ...

    @abstractmethod
    def make_queue(self) -> Place[Queue]: ...

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.place, self.queues = self.make_place(), self.make_queue()
        self.queue = self.run(self.queues.open())
        self.messages: Counter[UUID] = Counter()
        self.holds: list[Hold] = []
        self.claims: list[Claim] = []
        self.rows: dict[UUID, Row] = {}
        self.open()

    def open(self) -> None:
        self.tasks = self.run(self.place.open())
        self.dispatcher = Dispatcher(
            self.tasks,
            self.queue,
            Handlers([Handler(type="a", run=print), Handler(type="b", run=print)]),
            queued_for=QUEUED_FOR,
        )
        self.dispatcher.mark_after = 0.0

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            self.run(self.queues.close())
            self.run(self.place.close())
            self.runner.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @property
    def now(self) -> datetime:
        return self.place.now

    # What is expected

    def twin(self, task_id: UUID | None, row: Row) -> UUID | None:
        """Another unfinished task of its type and key."""
        for other_id, other in self.rows.items():
            same = row.key is not None and (other.type, other.key) == (row.type, row.key)
            if same and other.due_at is not None and other_id != task_id:
                return other_id
        return None

    def step(self, task_id: UUID, step: Step, allowed: bool) -> Task | None:
        """Take a step, and see that it is refused if it has to be."""
        outcome = self.run(self.tasks.write({task_id: step}))[task_id]
        if allowed:
            assert isinstance(outcome, Task), outcome
            return outcome
        assert isinstance(outcome, NotFound if task_id not in self.rows else Conflict)
        assert isinstance(outcome, ProfilecoreError)
        assert outcome.code in ("not_found", "task_state")
        return None

    def failing(self, row: Row, text: str) -> None:
        """What a failed attempt makes of a row; the back-off is not known before."""
        row.errors.append(text)
        if row.cancelling:
            row.end(Status.CANCELLED)
        elif row.attempt >= row.max_attempts:
            row.end(Status.DEAD)
        else:
            row.status = Status.SCHEDULED

    def backed_off(self, task_id: UUID, row: Row) -> None:
        """Learn when a failed task is to be tried again, and see that this is in bounds."""
        if row.status is Status.SCHEDULED:
            stored = self.run(self.tasks.get([task_id]))[task_id]
            ceiling = BACKOFF_FIRST * 2**row.attempt
            assert self.now <= stored.run_at <= self.now + ceiling
            row.run_at = row.due_at = stored.run_at

    def pick(self, data: st.DataObject) -> UUID:
        """Any task, those that run rather than others, or none."""
        busy = sorted(i for i, row in self.rows.items() if row.status is Status.RUNNING)
        all_ = [*sorted(self.rows), UUID(int=0)]
        return data.draw(st.sampled_from(all_) | st.sampled_from(busy or all_))

    # Who orders

    @precondition(lambda self: len(self.rows) < MOST)
    @rule(
        type_=st.sampled_from("ab"),
        key=st.sampled_from([None, None, "k", "l"]),
        delay=spans,
        at=st.booleans(),
        priority=st.integers(0, 9),
        attempts=st.integers(1, 3),
    )
    def order(
        self, type_: str, key: str | None, delay: timedelta, at: bool, priority: int, attempts: int
    ) -> None:
        run_at = self.now + delay
        asked: Any = {"type": type_, "unique_key": key, "priority": priority}
        asked |= {"run_at": run_at} if at else {"delay": delay}
        order = Order(max_attempts=attempts, **asked)
        row = Row(type_, key, run_at, run_at, priority, attempts)
        (task,) = self.run(self.tasks.add([order]))
        assert isinstance(task, Task)
        twin = self.twin(None, row)
        assert task.id == (order.id if twin is None else twin)
        if twin is None:
            self.rows[order.id] = row

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        task_id = self.pick(data)
        row = self.rows.get(task_id)
        allowed = row is not None and row.due_at is not None
        self.step(task_id, lambda task, at: task.cancelled(at), allowed)
        if row and row.status is Status.RUNNING:
            row.cancelling = True
        elif row and allowed:
            row.end(Status.CANCELLED)

    @rule(data=st.data(), delay=st.none() | spans, priority=st.none() | st.integers(0, 9))
    def reschedule(
        self, data: st.DataObject, delay: timedelta | None, priority: int | None
    ) -> None:
        task_id = self.pick(data)
        row = self.rows.get(task_id)
        run_at = None if delay is None else self.now + delay
        allowed = row is not None and row.status in WAITING
        self.step(task_id, lambda task, at: task.rescheduled(at, run_at, priority), allowed)
        if row and allowed:
            row.status = Status.SCHEDULED
            row.run_at = row.due_at = run_at or row.run_at
            row.priority = row.priority if priority is None else priority

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        task_id = self.pick(data)
        row = self.rows.get(task_id)
        dead = row is not None and row.status is Status.DEAD
        allowed = dead and row is not None and self.twin(task_id, row) is None
        self.step(task_id, lambda task, at: task.retried(at), allowed)
        if row and allowed:
            row.status, row.attempt, row.progress = Status.SCHEDULED, 0, None
            row.run_at = row.due_at = self.now

    # Who dispatches

    @rule()
    def dispatch(self) -> None:
        self.run(self.dispatcher.advance())
        due = {i: r for i, r in self.rows.items() if r.due_at is not None and r.due_at <= self.now}
        for task_id, row in due.items():
            if row.status is Status.RUNNING:
                self.failing(row, LOST)
                self.backed_off(task_id, row)
            else:
                self.messages[task_id] += 1
                row.status, row.due_at = Status.QUEUED, self.now + QUEUED_FOR

    @rule(limit=st.integers(1, 3), put=st.booleans())
    def claim_and_be_killed(self, limit: int, put: bool) -> None:
        """Before anything was done about the tasks, or after they were put and not yet marked."""
        claims = self.run(self.tasks.claim(limit, CLAIM)).claims
        due = [r for r in self.rows.values() if r.due_at is not None and r.due_at <= self.now]
        urgent = sorted((-row.priority, row.due_at) for row in due)[:limit]
        found = [self.rows[claim.id] for claim in claims]
        assert [(-row.priority, row.due_at) for row in found] == urgent
        for claim, row in zip(claims, found, strict=True):
            row.due_at = claim.due_at
            assert claim.due_at == self.now + CLAIM
            assert (claim.status, claim.fence) == (row.status, row.fence)
            if put:
                self.run(self.queue.put(Due(claim.id, priority=claim.priority)))
                self.messages[claim.id] += 1
        self.claims += claims

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(["rescue", "mark", "give back"]))
    def go_on_with_an_old_claim(self, data: st.DataObject, how: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        row = self.rows[claim.id]
        if how == "rescue":
            held = row.status is Status.RUNNING and row.fence == claim.fence
            allowed = held and row.due_at == claim.due_at
            self.step(claim.id, lambda t, at: t.rescued(at, claim.fence, claim.due_at), allowed)
            if allowed:
                self.failing(row, LOST)
                self.backed_off(claim.id, row)
            return
        allowed = row.status in WAITING and row.due_at == claim.due_at
        if how == "mark":
            self.step(claim.id, lambda t, at: t.queued(at, claim.due_at, QUEUED_FOR), allowed)
        else:
            self.step(claim.id, lambda t, at: t.unclaimed(at, claim.due_at), allowed)
        if allowed and how == "mark":
            row.status, row.due_at = Status.QUEUED, self.now + QUEUED_FOR
        elif allowed:
            row.due_at = self.now

    # The queue

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
