"""The tasks' part of the object graph, with what goes on beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final

from dependency_injector import containers, providers
from loguru import logger
from prometheus_client import CollectorRegistry

from profilecore.adapters.fallback_queue import FallbackQueue
from profilecore.adapters.memory import MemoryQueue
from profilecore.adapters.observed import ObservedQueue, ObservedTasks, TaskMetrics
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.adapters.rabbitmq import RabbitAddress, RabbitPublisher, RabbitQueue
from profilecore.entrypoints.background import begun, running
from profilecore.entrypoints.caching import opening, resolved
from profilecore.entrypoints.http.lifecycle import Lifecycle
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.telemetry import request_id
from profilecore.errors import Unavailable
from profilecore.outbox import Outbox
from profilecore.ports import Queue, TaskUpkeep
from profilecore.task import Task
from profilecore.tasks import Dispatcher, Handlers, Rules, Runner, TaskService, Worker

IN_MEMORY_MAX: Final = 500
"""How many due tasks a process takes into its memory; the others stay anybody's."""
_QUEUED_FOR: Final = timedelta(minutes=10)
_SETTLE_MAX: Final = 5.0
_COUNT_EVERY: Final = 5.0
_SPARE: Final = 2  # messages at hand for each task that runs, so that none waits for the network


def _address(settings: Settings) -> RabbitAddress:
    ca_file = settings.queue_ca_file
    return RabbitAddress.from_uri(
        settings.queue_uri.reveal(), None if ca_file is None else str(ca_file)
    )


def _rabbit(settings: Settings, address: RabbitAddress) -> RabbitQueue:
    runs = settings.task_concurrency > 0
    return RabbitQueue(
        address,
        takes=settings.task_queues if runs else (),
        prefetch=_SPARE * max(1, settings.task_concurrency),
        turned=_say_turned,
    )


def _say_turned(where: str, what: str) -> None:
    good = what in ("is connected", "takes messages again")
    logger.log("INFO" if good else "WARNING", "RabbitMQ at {} {}", where, what)


@contextmanager
def _from_request(task: Task) -> Iterator[None]:
    """Log what a task says with the id of the request that it came from."""
    token = request_id.set(task.trace.get("request_id"))
    try:
        yield
    finally:
        request_id.reset(token)


def _handing(settings: Settings, rabbit: Queue, local: Queue) -> Queue:
    # Only where somebody here takes from it may a task be put into this process' memory.
    if not settings.task_concurrency:
        return rabbit
    return FallbackQueue(rabbit, local, settings.task_queues)


def _room(local: MemoryQueue) -> int:
    return IN_MEMORY_MAX - local.waiting


async def _closing(processes: SpawnedProcesses) -> AsyncIterator[SpawnedProcesses]:
    try:
        yield processes
    finally:
        await processes.close()


class Tasking(containers.DeclarativeContainer):
    """Tasks, where they are kept; how those that are due get to those who run them."""

    settings = providers.Dependency(instance_of=Settings)
    registry = providers.Dependency(instance_of=CollectorRegistry)
    port_metrics: Any = providers.Dependency()
    upkeep: Any = providers.Dependency()
    handlers: Any = providers.Dependency()
    log: Any = providers.Dependency()
    feed: Any = providers.Dependency()
    bookmark: Any = providers.Dependency()

    metrics = providers.Singleton(TaskMetrics, registry, handlers)
    tasks = providers.Singleton(ObservedTasks, upkeep, port_metrics, metrics)
    woken = providers.Singleton(asyncio.Event)
    service = providers.Singleton(TaskService, tasks, handlers, announce=woken.provided.set)

    local = providers.Singleton(MemoryQueue)
    address = providers.Singleton(_address, settings)
    rabbit = providers.Resource(opening, providers.Singleton(_rabbit, settings, address))
    shared = providers.Selector(settings.provided.queue, memory=local, rabbitmq=rabbit)
    handing = providers.Selector(
        settings.provided.queue,
        memory=local,
        rabbitmq=providers.Singleton(_handing, settings, rabbit, local),
    )
    dispatcher = providers.Singleton(
        Dispatcher,
        tasks,
        providers.Singleton(ObservedQueue, handing, port_metrics),
        handlers,
        woken=woken,
        queued_for=providers.Selector(
            settings.provided.queue,
            memory=settings.provided.task_lease,
            rabbitmq=providers.Object(_QUEUED_FOR),
        ),
        room=providers.Callable(lambda local: partial(_room, local), local),
    )
    publisher = providers.Resource(
        opening, providers.Singleton(RabbitPublisher, address, turned=providers.Object(_say_turned))
    )
    outbox = providers.Singleton(
        Outbox,
        log,
        publisher,
        bookmark,
        feed.provided.wait,
        published=metrics.provided.published.inc,
    )
    processes = providers.Resource(
        _closing, providers.Singleton(SpawnedProcesses, settings.provided.task_concurrency)
    )
    runner = providers.Singleton(Runner, processes)


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
            rabbit: RabbitQueue = await resolved(tasking.rabbit())
            release = _release(rabbit, lifecycle)
            await stack.enter_async_context(running("release of RabbitMQ's tasks", release))
        if settings.task_concurrency or settings.queue == "rabbitmq":
            dispatcher: Dispatcher = await resolved(tasking.dispatcher())
            work = _until_drained(dispatcher, lifecycle)
            await stack.enter_async_context(running("dispatcher", work))
            figures = _count(await resolved(tasking.upkeep()), await resolved(tasking.metrics()))
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
    rabbit: RabbitQueue = await resolved(tasking.rabbit())

    async def rabbitmq() -> str:
        await rabbit.ping()
        return "rabbitmq"

    return rabbitmq


async def _workers(tasking: Tasking) -> list[tuple[str, Worker]]:
    settings = tasking.settings()
    if not settings.task_concurrency:
        return []
    local = ("worker", tasking.local(), True)
    shared = ("worker of RabbitMQ", await resolved(tasking.shared()), False)
    runner: Runner = await resolved(tasking.runner())
    store: ObservedTasks = await resolved(tasking.tasks())
    handlers: Handlers = await resolved(tasking.handlers())
    return [
        (
            name,
            Worker(
                store,
                ObservedQueue(queue, tasking.port_metrics()),
                handlers,
                runner,
                Rules(
                    concurrency=settings.task_concurrency,
                    lease=settings.task_lease,
                    empties=empties,
                ),
                around=_from_request,
                announce=tasking.woken().set,
            ),
        )
        for name, queue, empties in ([local] if settings.queue == "memory" else [local, shared])
    ]


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


async def _release(rabbit: RabbitQueue, lifecycle: Lifecycle) -> None:
    await lifecycle.drained()
    rabbit.release()


async def _until_drained(dispatcher: Dispatcher, lifecycle: Lifecycle) -> None:
    run, drained = asyncio.create_task(dispatcher.run()), asyncio.create_task(lifecycle.drained())
    try:
        await asyncio.wait({run, drained}, return_when=asyncio.FIRST_COMPLETED)
        if run.done():
            await run
    finally:
        run.cancel()
        drained.cancel()


async def _count(upkeep: TaskUpkeep, metrics: TaskMetrics) -> None:
    while True:
        with suppress(Unavailable):
            metrics.seen(await upkeep.backlog())
        await asyncio.sleep(_COUNT_EVERY)
