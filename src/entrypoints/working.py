"""Handing over tasks and running them, for as long as a process runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from typing import TYPE_CHECKING, Final

from profilecore.entrypoints.background import begun, running
from profilecore.entrypoints.lifecycle import Lifecycle
from profilecore.entrypoints.resources import resolved
from profilecore.entrypoints.tasking import Tasking
from profilecore.entrypoints.telemetry import request_id
from profilecore.errors import Unavailable
from profilecore.outbox import Outbox
from profilecore.ports import Queue, TaskUpkeep
from profilecore.schedule import Backlog
from profilecore.task import Task
from profilecore.tasks import Dispatcher, Rules, Worker

if TYPE_CHECKING:
    from profilecore.entrypoints.tracing.otlp import Tracing

_SETTLE_MAX: Final = 5.0
_COUNT_EVERY: Final = 5.0


@asynccontextmanager
async def working(tasking: Tasking, lifecycle: Lifecycle) -> AsyncIterator[None]:
    """Hand over the tasks that are due, and run some, as far as the settings say so.

    From the drain on no more are taken; those under way are finished, or given back.
    """
    settings = tasking.settings()
    async with AsyncExitStack() as stack:
        grace = settings.shutdown_timeout.total_seconds()
        for name, worker in await _workers(tasking):
            await stack.enter_async_context(_draining(name, worker, lifecycle, grace))
        if settings.task_concurrency and settings.queue == "rabbitmq":
            rabbit = await resolved(tasking.rabbit())
            release = _release(rabbit.release, lifecycle)
            await stack.enter_async_context(running("release of RabbitMQ's tasks", release))
        if settings.task_concurrency or settings.queue == "rabbitmq":
            dispatcher: Dispatcher = await resolved(tasking.dispatcher())
            work = _until_drained(dispatcher, lifecycle)
            await stack.enter_async_context(running("dispatcher", work))
            metrics = await resolved(tasking.metrics())
            figures = _count(await resolved(tasking.upkeep()), metrics.seen)
            await stack.enter_async_context(running("task figures", figures))
        if settings.queue == "rabbitmq":
            outbox: Outbox = await resolved(tasking.outbox())
            await stack.enter_async_context(running("outbox", outbox.run()))
        yield


async def queue_check(tasking: Tasking) -> Callable[[], Awaitable[str]]:
    """What tells how the queue is, for /health."""
    if tasking.settings().queue == "memory":

        async def embedded() -> str:
            return "embedded"

        return embedded
    rabbit = await resolved(tasking.rabbit())

    async def rabbitmq() -> str:
        await rabbit.ping()
        return "rabbitmq"

    return rabbitmq


async def _workers(tasking: Tasking) -> list[tuple[str, Worker]]:
    """One on what is in this process' memory, one on RabbitMQ: none where none is wanted."""
    settings = tasking.settings()
    if not settings.task_concurrency:
        return []
    workers = [("worker", await _worker(tasking, tasking.in_hand(), empties=True))]
    if settings.queue == "rabbitmq":
        shared = await resolved(tasking.at_rabbit())
        workers.append(("worker of RabbitMQ", await _worker(tasking, shared, empties=False)))
    return workers


async def _worker(tasking: Tasking, queue: Queue, *, empties: bool) -> Worker:
    settings = tasking.settings()
    rules = Rules(concurrency=settings.task_concurrency, lease=settings.task_lease, empties=empties)
    return Worker(
        await resolved(tasking.tasks()),
        queue,
        await resolved(tasking.handlers()),
        await resolved(tasking.runner()),
        rules,
        around=_around(tasking, queue),
        announce=tasking.woken().set,
    )


def _around(tasking: Tasking, queue: Queue) -> Callable[[Task], AbstractContextManager[None]]:
    tracing: Tracing | None = tasking.tracing()
    if tracing is None:
        return _from_request

    @contextmanager
    def traced(task: Task) -> Iterator[None]:
        with _from_request(task), tracing.after(task, queue):
            yield

    return traced


@contextmanager
def _from_request(task: Task) -> Iterator[None]:
    """Log what a task says with the id of the request that it came from."""
    token = request_id.set(task.trace.get("request_id"))
    try:
        yield
    finally:
        request_id.reset(token)


@asynccontextmanager
async def _draining(
    name: str, worker: Worker, lifecycle: Lifecycle, grace: float
) -> AsyncIterator[None]:
    work = begun(name, worker.run())

    async def drain() -> None:
        await lifecycle.drained()
        await worker.drain(grace)

    async def hurry() -> None:
        await lifecycle.hurried()
        await worker.drain(0)

    hurrying = begun(f"end of the {name}", hurry())
    draining = begun(f"drain of the {name}", drain())
    try:
        yield
    finally:
        if not lifecycle.draining:
            draining.cancel()
            draining = begun(f"drain of the {name}", worker.drain(grace))
        await asyncio.wait({work, draining}, timeout=grace + _SETTLE_MAX)
        for task in (work, draining, hurrying):
            task.cancel()
        await asyncio.wait({work, draining, hurrying})


async def _release(release: Callable[[], None], lifecycle: Lifecycle) -> None:
    await lifecycle.drained()
    release()


async def _until_drained(dispatcher: Dispatcher, lifecycle: Lifecycle) -> None:
    run, drained = asyncio.create_task(dispatcher.run()), asyncio.create_task(lifecycle.drained())
    try:
        await asyncio.wait({run, drained}, return_when=asyncio.FIRST_COMPLETED)
        if run.done():
            await run
    finally:
        run.cancel()
        drained.cancel()


async def _count(upkeep: TaskUpkeep, seen: Callable[[Backlog], None]) -> None:
    while True:
        with suppress(Unavailable):
            seen(await upkeep.backlog())
        await asyncio.sleep(_COUNT_EVERY)
