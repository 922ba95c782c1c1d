"""What is traced, and what each thing is called: by OTLP to a collector."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from loguru import logger

from profilecore.adapters.opentelemetry import (
    RequestSpan,
    Sending,
    TracedCache,
    TracedLog,
    TracedProfiles,
    TracedQueue,
    TracedRunner,
    TracedTasks,
    following,
    headers,
    told,
    trace_id,
)
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.version import VERSION
from profilecore.ports import Cache, Log, Profiles, Queue, Tasks
from profilecore.task import Task
from profilecore.tasks import Runs

_SYSTEMS: Final = {"postgres": "postgresql"}
"""Where OpenTelemetry has another word than the settings."""


def _say(text: str) -> None:
    logger.warning("traces are not sent: {}", text)


class Tracing:
    """Wraps what a trace goes through; what is in this process' memory is not worth a span."""

    def __init__(self, settings: Settings) -> None:
        more = settings.otel_exporter_otlp_headers
        sending = Sending(VERSION, None if more is None else more.reveal(), say=_say)
        self._tracer = sending.tracer
        self._database = _SYSTEMS.get(settings.database, settings.database)
        self._cache = settings.cache
        self._queue = settings.queue
        self.close = sending.close
        self.trace_id = trace_id
        self.headers = headers

    def profiles(self, profiles: Profiles) -> Profiles:
        """The store of profiles."""
        return TracedProfiles(profiles, self._tracer, self._database)

    def log(self, log: Log) -> Log:
        """The change log."""
        return TracedLog(log, self._tracer, self._database)

    def tasks(self, tasks: Tasks) -> Tasks:
        """The store of tasks."""
        return TracedTasks(tasks, self._tracer, self._database)

    def cache(self, cache: Cache, in_fallback: Callable[[], bool]) -> Cache:
        """The cache, where it is elsewhere."""
        if self._cache != "redis":
            return cache
        return TracedCache(cache, self._tracer, self._cache, in_fallback)

    def queue(self, queue: Queue) -> TracedQueue:
        """What hands over tasks, or what one takes them from."""
        return TracedQueue(queue, self._tracer, self._queue)

    def runner(self, runner: Runs) -> Runs:
        """Who runs them."""
        return TracedRunner(runner, self._tracer, self._queue)

    def request(self, traceparent: str | None, tracestate: str | None) -> RequestSpan:
        """One request, after what its client has told."""
        return RequestSpan(self._tracer, traceparent, tracestate)

    def after(self, task: Task, queue: Queue) -> AbstractContextManager[None]:
        """What is begun within comes after whoever has put the task into this queue.

        Where that is not known, as of one that came in another way, it comes after the request.
        """
        place = queue.place(task.id) if isinstance(queue, TracedQueue) else None
        return following(place or told(task.trace))
