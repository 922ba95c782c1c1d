"""The Publisher, watched: for how long something has been waiting to be published."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Gauge

from profilecore.event import Event
from profilecore.ports import Publisher

FORGET: Final = 30.0
"""Seconds without a try, after which it is another process that publishes."""


def _now() -> datetime:
    return datetime.now(UTC)


class ObservedPublisher:
    """The Publisher port; `unpublished` is the age of the oldest event that it could not send."""

    def __init__(
        self,
        publisher: Publisher,
        unpublished: Gauge,
        *,
        now: Callable[[], datetime] = _now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._now = now
        self._clock = clock
        self._oldest: datetime | None = None
        self._tried_at = 0.0
        unpublished.set_function(self._age)

    async def publish(self, events: Sequence[Event]) -> None:
        self._oldest, self._tried_at = events[0].at, self._clock()
        await self._publisher.publish(events)
        self._oldest = None

    def _age(self) -> float:
        if self._oldest is None or self._clock() - self._tried_at > FORGET:
            return 0.0
        return max(0.0, (self._now() - self._oldest).total_seconds())
