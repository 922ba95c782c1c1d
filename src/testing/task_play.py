"""The half of TaskMachine that orders and dispatches; the other half takes and runs."""

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from profilecore.errors import Conflict, NotFound, ProfilecoreError
from profilecore.order import Order
from profilecore.ports import Due, Queue
from profilecore.schedule import Claim
from profilecore.task import BACKOFF_FIRST, LOST, Status, Step, Task
from profilecore.tasks import Dispatcher, Handler, Handlers
from profilecore.tasks.dispatcher import CLAIM
from profilecore.testing.places import Place, TasksPlace, Traits
from profilecore.testing.task_model import (
    MOST,
    QUEUED_FOR,
    WAITING,
    Hold,
    Row,
    spans,
)

T = TypeVar("T")


class TaskPlay(RuleBasedStateMachine):
    """It has `traits` of the store and its two places; its `TestCase` is the test.

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
