"""Handlers are run in the loop, in threads and in processes, and are made to end."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from profilecore.tasks import Context, Handler, Runner, Stopped
from profilecore.tasks import running as module
from profilecore.tasks.handlers import Attempt
from profilecore.tasks.running import Run, Why
from tests.unit.core.tasks.doubles import PATIENCE, Recorded, until
from tests.unit.core.test_task import running

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="none")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_MAX", 0.1)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What threads wait for; all of them end with the test."""
    event = threading.Event()
    yield event
    event.set()


def run_of(function: Callable[..., Any], **fields: Any) -> Run:
    """A run of a handler that has just begun."""
    task = running()
    context = Context(Attempt(task.id, 1, 5), task.type)
    handler = Handler(type=task.type, run=function, **fields)
    work = asyncio.create_task(Runner(Recorded()).run(handler, context, {"n": 1}))
    return Run(task, context, work)


async def over(run: Run) -> None:
    async with asyncio.timeout(PATIENCE):
        await run.over


async def sleeping(context: Context, payload: Any) -> None:
    await asyncio.sleep(60)


async def stubborn(context: Context, payload: Any) -> str:
    """Does not heed that it is cancelled."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    await asyncio.sleep(0.3)
    return "late"


async def test_a_coroutine_runs_in_the_loop() -> None:
    async def handler(context: Context, payload: Any) -> Any:
        assert threading.current_thread() is threading.main_thread()
        return payload

    run = run_of(handler)
    await over(run)
    assert run.work.result() == {"n": 1}


async def test_an_object_that_is_called_as_a_coroutine_runs_in_the_loop_too() -> None:
    class Greeting:
        async def __call__(self, context: Context, payload: Any) -> str:
            return threading.current_thread().name

    run = run_of(Greeting())
    assert await run.work == threading.current_thread().name


async def test_a_function_runs_in_a_thread_with_the_context_of_its_run() -> None:
    def handler(context: Context, payload: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        assert threading.current_thread().daemon, "the process does not wait for it at its end"
        return REQUEST.get()

    REQUEST.set("r1")
    run = run_of(handler)
    await over(run)
    assert run.work.result() == "r1"


async def test_a_process_gets_an_attempt_and_a_copy_of_the_payload() -> None:
    processes = Recorded()
    task = running()
    context = Context(Attempt(task.id, 1, 5), task.type)
    payload = {"n": 1}
    handler = Handler(type="a", run=lambda *given: "given", process=True)
    assert await Runner(processes).run(handler, context, payload) == "given"
    ((attempt, given),) = processes.asked
    assert (attempt, given) == (context.attempt, payload)
    assert given is not payload


async def test_a_process_is_killed_when_its_time_is_over() -> None:
    processes = Recorded()
    task = running()
    context = Context(Attempt(task.id, 1, 5), task.type)
    handler = Handler(type="a", run=time.sleep, process=True)
    run = Run(task, context, asyncio.create_task(Runner(processes).run(handler, context, {})))
    run.end_after(timedelta(seconds=0.05))
    await over(run)
    assert processes.killed == 1
    assert run.why is Why.TIME


@pytest.mark.parametrize("error", [ValueError("boom"), Stopped(), BaseException("base")])
async def test_what_a_thread_raises_is_what_its_run_has_raised(error: BaseException) -> None:
    def handler(context: Context, payload: Any) -> None:
        raise error

    run = run_of(handler)
    await over(run)
    assert run.work.exception() is error


@pytest.mark.parametrize(
    "error",
    [StopIteration("x"), SystemExit("x"), KeyboardInterrupt("x"), asyncio.CancelledError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_what_would_end_the_loop_or_cannot_be_carried_is_an_error(
    error: BaseException,
) -> None:
    def handler(context: Context, payload: Any) -> None:
        raise error

    run = run_of(handler)
    await over(run)
    assert str(run.work.exception()) == f"{type(error).__name__}: x"


async def test_a_coroutine_that_exits_ends_nothing_but_itself() -> None:
    async def handler(context: Context, payload: Any) -> None:
        raise SystemExit("x")

    run = run_of(handler)
    await over(run)
    assert str(run.work.exception()) == "SystemExit: x"


async def test_a_coroutine_is_cancelled_when_its_time_is_over() -> None:
    run = run_of(sleeping)
    run.end_after(timedelta(seconds=0.05))
    await over(run)
    assert run.work.cancelled()
    assert (run.why, run.context.cancelled) == (Why.TIME, True)


async def test_a_coroutine_that_swallows_its_cancellation_is_not_waited_for_long() -> None:
    run = run_of(stubborn)
    await asyncio.sleep(0)
    run.end(Why.TIME)
    await over(run)
    assert not run.work.done()
    assert await run.work == "late"


async def test_a_thread_that_looks_is_waited_for(release: threading.Event) -> None:
    def handler(context: Context, payload: Any) -> None:
        while not release.wait(0.01):
            context.stop_if_cancelled()

    run = run_of(handler)
    await asyncio.sleep(0.02)
    run.end(Why.STOPPING)
    await over(run)
    assert isinstance(run.work.exception(), Stopped)


async def test_a_thread_that_does_not_look_goes_on(release: threading.Event) -> None:
    def handler(context: Context, payload: Any) -> str:
        release.wait(PATIENCE)
        return "late"

    run = run_of(handler)
    await asyncio.sleep(0.02)
    run.end(Why.STOPPING)
    await over(run)
    assert not run.work.done()
    release.set()
    assert await run.work == "late"


async def test_one_that_is_cancelled_has_the_time_that_it_always_had(
    release: threading.Event,
) -> None:
    def handler(context: Context, payload: Any) -> str:
        release.wait(PATIENCE)
        return "done"

    run = run_of(handler)
    await asyncio.sleep(0.02)
    run.end(Why.CANCELLED)
    await asyncio.sleep(0.25)
    assert not run.over.done(), "beyond END_MAX"
    release.set()
    await over(run)
    assert (run.work.result(), run.why) == ("done", Why.CANCELLED)


async def test_the_first_reason_counts_but_for_a_cancellation() -> None:
    run = run_of(sleeping)
    await asyncio.sleep(0)
    run.end(Why.CANCELLED)
    run.end(Why.STOPPING)
    run.end(Why.TIME)
    run.end(Why.CANCELLED)
    assert run.why is Why.STOPPING
    await over(run)


async def test_what_is_done_is_not_ended_any_more() -> None:
    """Its time may be over before anybody has looked."""

    async def handler(context: Context, payload: Any) -> str:
        return "done"

    run = run_of(handler)
    await until(run.work.done)
    run.end(Why.TIME)
    assert (run.why, run.context.cancelled) == (None, False)
    assert run.work.result() == "done"


def test_a_thread_that_never_ends_does_not_hold_up_the_end_of_the_loop(
    release: threading.Event,
) -> None:
    threads: list[threading.Thread] = []

    def handler(context: Context, payload: Any) -> None:
        threads.append(threading.current_thread())
        release.wait(PATIENCE)

    async def main() -> None:
        run = run_of(handler)
        await asyncio.sleep(0.02)
        run.end(Why.STOPPING)
        await over(run)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < PATIENCE - 1
    release.set()
    for thread in threads:  # now it finds the loop closed; what it raised would fail this test
        thread.join(PATIENCE)
