"""The queue of due tasks: what is put into it says after which span, and is read where it comes."""

from dataclasses import replace
from uuid import UUID

from opentelemetry.trace import SpanKind

from profilecore.adapters.opentelemetry.tracer import Place, Span, Tracer, headers, told
from profilecore.ports import Due, Lease, Queue


class TracedQueue:
    """The Queue port. `place` says what a task comes after, for as long as its lease is held."""

    def __init__(self, queue: Queue, tracer: Tracer, system: str) -> None:
        self._queue = queue
        self._tracer = tracer
        self._system = system
        self._held: dict[UUID, Place] = {}

    def place(self, task_id: UUID) -> Place | None:
        """Where the one who put it was; None where nothing was told of that."""
        return self._held.get(task_id)

    async def put(self, due: Due) -> None:
        parent = told(due.headers)
        if parent is None:  # nobody's trace: it would be one of this call alone
            await self._queue.put(due)
            return
        span = Span(self._tracer, f"send {due.queue}", SpanKind.PRODUCER, parent)
        span.attributes = {
            "messaging.system": self._system,
            "messaging.operation.name": "put",
            "messaging.operation.type": "send",
            "messaging.destination.name": due.queue,
        }
        with span:
            await self._queue.put(replace(due, headers={**due.headers, **headers()}))

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        lease = await self._queue.take(timeout)
        place = None if lease is None else told(lease.headers)
        if lease is not None and place is not None:
            self._held[lease.task_id] = place
        return lease

    async def ack(self, lease: Lease) -> None:
        self._held.pop(lease.task_id, None)
        await self._queue.ack(lease)

    async def retry(self, lease: Lease) -> None:
        self._held.pop(lease.task_id, None)
        await self._queue.retry(lease)

    async def bury(self, lease: Lease) -> None:
        self._held.pop(lease.task_id, None)
        await self._queue.bury(lease)
