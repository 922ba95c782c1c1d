"""For how long an event has been waiting to be published, as far as this process knows."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Gauge

from profilecore.adapters.memory import MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.observed import ObservedPublisher
from profilecore.adapters.observed.publishing import FORGET
from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.testing.samples import SECOND, add, person


class Outside:
    """A place outside that can be away."""

    down = False

    def __init__(self) -> None:
        self.came: list[Event] = []

    async def publish(self, events: Sequence[Event]) -> None:
        if self.down:
            raise Unavailable("The place is away.")
        self.came.extend(events)


async def test_what_cannot_be_sent_grows_old_until_it_is_sent() -> None:
    registry, outside, passed = CollectorRegistry(), Outside(), 0.0
    store = MemoryStore()
    events = await add(MemoryProfiles(store), person(), person())
    assert await MemoryLog(store).read(0, 10) == events
    publisher = ObservedPublisher(
        outside,
        Gauge("events_unpublished_seconds", "Age.", registry=registry),
        now=lambda: events[0].at + (passed + 2) * SECOND,
        clock=lambda: passed,
    )

    def age() -> float | None:
        return registry.get_sample_value("events_unpublished_seconds")

    assert age() == 0
    outside.down = True
    with pytest.raises(Unavailable):
        await publisher.publish(events)
    assert age() == 2
    passed = FORGET
    assert age() == FORGET + 2
    passed = FORGET + 1
    assert age() == 0, "another process has taken over"
    with pytest.raises(Unavailable):
        await publisher.publish(events)
    assert age() == FORGET + 3
    outside.down = False
    await publisher.publish(events)
    assert (age(), outside.came) == (0, events)
