"""The tasks' part of the object graph."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dependency_injector import containers, providers
from loguru import logger
from prometheus_client import CollectorRegistry

from profilecore.adapters.fallback_queue import FallbackQueue
from profilecore.adapters.memory import MemoryQueue
from profilecore.adapters.observed import (
    Metrics,
    ObservedPublisher,
    ObservedQueue,
    ObservedTasks,
    TaskMetrics,
)
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.entrypoints.resources import closing, opening
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.tracing import traced
from profilecore.outbox import Outbox
from profilecore.ports import Queue
from profilecore.tasks import Dispatcher, Runner, TaskService

if TYPE_CHECKING:  # the embedded default starts without its client
    from profilecore.adapters.rabbitmq import RabbitAddress, RabbitPublisher, RabbitQueue

IN_MEMORY_MAX: Final = 500
"""How many due tasks a process takes into its memory; the others stay anybody's."""
_QUEUED_FOR: Final = timedelta(minutes=10)
_SPARE: Final = 2  # messages at hand for each task that runs, so that none waits for the network


def _address(settings: Settings) -> "RabbitAddress":
    from profilecore.adapters.rabbitmq import RabbitAddress

    ca_file = settings.queue_ca_file
    return RabbitAddress.from_uri(
        settings.queue_uri.reveal(), None if ca_file is None else str(ca_file)
    )


def _rabbit(settings: Settings, address: "RabbitAddress") -> "RabbitQueue":
    from profilecore.adapters.rabbitmq import RabbitQueue

    runs = settings.task_concurrency > 0
    return RabbitQueue(
        address,
        takes=settings.task_queues if runs else (),
        prefetch=_SPARE * max(1, settings.task_concurrency),
        turned=_say_turned,
    )


def _publisher(address: "RabbitAddress") -> "RabbitPublisher":
    from profilecore.adapters.rabbitmq import RabbitPublisher

    return RabbitPublisher(address, turned=_say_turned)


def _say_turned(where: str, what: str) -> None:
    good = what in ("is connected", "takes messages again")
    logger.log("INFO" if good else "WARNING", "RabbitMQ at {} {}", where, what)


def _handing(settings: Settings, rabbit: Queue, local: Queue, metrics: Metrics) -> Queue:
    # Only where somebody here takes from it may a task be put into this process' memory.
    if not settings.task_concurrency:
        return rabbit
    turned = metrics.queue_fallback.inc
    return FallbackQueue(rabbit, local, settings.task_queues, turned=turned)


def _room(local: MemoryQueue) -> int:
    return IN_MEMORY_MAX - local.waiting


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
    tracing: Any = providers.Dependency()

    metrics = providers.Singleton(TaskMetrics, registry, handlers)
    tasks = providers.Singleton(
        traced,
        providers.Singleton(ObservedTasks, upkeep, port_metrics, metrics),
        tracing,
        "tasks",
    )
    woken: Any = providers.Dependency()
    service = providers.Singleton(TaskService, tasks, handlers, announce=woken.provided.set)

    local = providers.Singleton(MemoryQueue)
    address = providers.Singleton(_address, settings)
    rabbit = providers.Resource(opening, providers.Singleton(_rabbit, settings, address))
    handing = providers.Selector(
        settings.provided.queue,
        memory=local,
        rabbitmq=providers.Singleton(_handing, settings, rabbit, local, port_metrics),
    )
    dispatcher = providers.Singleton(
        Dispatcher,
        tasks,
        providers.Singleton(
            traced, providers.Singleton(ObservedQueue, handing, port_metrics), tracing, "queue"
        ),
        handlers,
        woken=woken,
        queued_for=providers.Selector(
            settings.provided.queue,
            memory=settings.provided.task_lease,
            rabbitmq=providers.Object(_QUEUED_FOR),
        ),
        room=providers.Callable(lambda local: partial(_room, local), local),
    )
    outbox = providers.Singleton(
        Outbox,
        log,
        providers.Singleton(
            ObservedPublisher,
            providers.Resource(opening, providers.Singleton(_publisher, address)),
            metrics.provided.unpublished,
        ),
        bookmark,
        feed.provided.wait,
        published=metrics.provided.published.inc,
    )
    processes = providers.Resource(
        closing, providers.Singleton(SpawnedProcesses, settings.provided.task_concurrency)
    )
    runner = providers.Singleton(traced, providers.Singleton(Runner, processes), tracing, "runner")

    in_hand = providers.Singleton(
        traced, providers.Singleton(ObservedQueue, local, port_metrics), tracing, "queue"
    )
    at_rabbit = providers.Singleton(
        traced, providers.Singleton(ObservedQueue, rabbit, port_metrics), tracing, "queue"
    )
