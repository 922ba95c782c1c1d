"""What becomes of a task, by the way in which its run has ended."""

import asyncio
import json
import logging
import math
from collections.abc import Coroutine
from typing import Any

import pytest

from profilecore.order import DEPTH_MAX
from profilecore.task import Status, Task
from profilecore.tasks import Context, GiveUp, Handler, Stopped
from profilecore.tasks.handlers import Attempt
from profilecore.tasks.running import Run, Why
from profilecore.tasks.verdict import RESULT_MAX, verdict
from profilecore.testing.samples import AT, SECOND
from tests.unit.core.test_task import running

HANDLER = Handler(type="echo", run=print, timeout=90 * SECOND)
S = Status


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


async def giving(result: Any) -> Any:
    return result


async def raising(error: BaseException) -> None:
    raise error


async def judged(
    call: Coroutine[Any, Any, Any], why: Why | None = None, **fields: Any
) -> Task | None:
    """What the verdict on a run that has ended, for this reason if one is given, makes of it."""
    task = running(**fields)
    run = Run(task, Context(Attempt(task.id, 1, 5), task.type), asyncio.create_task(call))
    await asyncio.wait([run.work])
    run.why = why
    step = verdict(run, HANDLER)
    return None if step is None else step(task, AT)


async def judged_late(why: Why) -> Task | None:
    """The same where the run does not end."""
    task = running()
    work = asyncio.create_task(asyncio.sleep(60))
    run = Run(task, Context(Attempt(task.id, 1, 5), task.type), work)
    run.why = why
    step = verdict(run, HANDLER)
    work.cancel()
    return None if step is None else step(task, AT)


@pytest.mark.parametrize("result", [None, 0, "", [], {"a": [1.5, True]}])
@pytest.mark.parametrize("why", [None, *Why])
async def test_what_was_done_is_done_whatever_was_asked_meanwhile(
    result: Any, why: Why | None
) -> None:
    task = await judged(giving(result), why)
    assert task is not None
    assert (task.status, task.result) == (S.SUCCEEDED, result)


async def test_a_result_is_kept_as_json_has_it() -> None:
    given = {"pair": (1, 2), 3: "x"}
    task = await judged(giving(given))
    assert task is not None
    assert task.result == {"pair": [1, 2], "3": "x"}


def itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def deep() -> Any:
    nested: Any = 0
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "result", [b"x", {1}, math.nan, math.inf, "\ud800", object(), itself(), deep(), {(1,): 2}]
)
async def test_a_result_that_is_not_json_is_a_failure(result: Any) -> None:
    task = await judged(giving(result))
    assert task is not None
    assert task.status is S.SCHEDULED
    assert (task.error or "").startswith("its result is not JSON: ")


async def test_a_result_has_a_limit() -> None:
    most = "x" * (RESULT_MAX - 2)
    task = await judged(giving(most))
    assert task is not None
    assert task.result == most
    task = await judged(giving("ü" * (RESULT_MAX // 2)))
    assert task is not None
    assert task.error == "its result has 262,146 bytes, and 262,144 is the most that is kept"


async def test_a_result_has_a_depth() -> None:
    nested: Any = 0
    for _ in range(DEPTH_MAX - 1):
        nested = [nested]
    task = await judged(giving(nested))
    assert task is not None
    assert task.result == nested
    task = await judged(giving([nested]))
    assert task is not None
    assert task.error == "its result has more than 100 values inside one another"


async def test_an_error_is_named_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        task = await judged(raising(ValueError("boom")))
    assert task is not None
    assert (task.status, task.error) == (S.SCHEDULED, "ValueError: boom")
    (record,) = caplog.records
    assert "type echo" in record.message
    assert record.exc_info


async def test_an_error_that_cannot_be_worded_is_an_error() -> None:
    task = await judged(raising(Unspeakable()))
    assert task is not None
    assert (task.status, task.error) == (S.SCHEDULED, "Unspeakable")
    json.dumps(task.error)


async def test_one_who_gives_up_is_not_tried_again() -> None:
    task = await judged(raising(GiveUp("gone")))
    assert task is not None
    assert (task.status, task.error) == (S.DEAD, "GiveUp: gone")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), Stopped()], ids=["loop", "thread"])
@pytest.mark.parametrize(
    ("why", "status", "said"),
    [
        (Why.CANCELLED, S.CANCELLED, None),
        (Why.STOPPING, S.SCHEDULED, None),
        (Why.TIME, S.SCHEDULED, "took longer than 90 s"),
        (None, S.SCHEDULED, "stopped, and nobody had asked for it"),
    ],
)
async def test_one_that_gave_way(
    error: BaseException, why: Why | None, status: Status, said: str | None
) -> None:
    task = await judged(raising(error), why)
    assert task is not None
    assert (task.status, task.error) == (status, said)
    assert task.attempt == (0 if why is Why.STOPPING else 1)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), Stopped()], ids=["loop", "thread"])
async def test_one_that_was_lost_is_not_this_ones_to_settle(error: BaseException) -> None:
    assert await judged(raising(error), Why.LOST) is None


@pytest.mark.parametrize("error", [ValueError("x"), GiveUp("x")])
async def test_an_error_after_its_time_is_told_as_its_time(error: Exception) -> None:
    task = await judged(raising(error), Why.TIME)
    assert task is not None
    assert (task.status, task.error) == (S.SCHEDULED, "took longer than 90 s")


@pytest.mark.parametrize("why", [Why.STOPPING, Why.LOST])
async def test_one_that_does_not_end_is_left_to_its_lease(why: Why) -> None:
    assert await judged_late(why) is None


async def test_one_that_does_not_end_in_its_time_has_failed() -> None:
    task = await judged_late(Why.TIME)
    assert task is not None
    assert task.error == "took longer than 90 s"


async def test_the_verdict_carries_the_fence() -> None:
    task = running()
    other = running(fence=4)
    run = Run(task, Context(Attempt(task.id, 1, 5), "echo"), asyncio.create_task(giving(1)))
    await run.work
    step = verdict(run, HANDLER)
    assert step is not None
    with pytest.raises(Exception, match="somebody else"):
        step(other, AT)
