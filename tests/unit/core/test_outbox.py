"""The change log is published: all of it, in order, by one, and again where it is not sure."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from profilecore import outbox as module
from profilecore.adapters.memory import MemoryBookmark, MemoryProfiles, MemoryStore
from profilecore.errors import Unavailable
from profilecore.event import Event
from profilecore.outbox import AT_ONCE, Outbox
from profilecore.testing.samples import (
    AT,
    NEW_ERA,
    SECOND,
    add,
    person,
)
from tests.unit.core.doubles import SwitchedLog

PATIENCE = 10.0
LEASE = 0.4
PAUSE = 0.02


class Outside:
    """A place outside that remembers what it was sent, and can be away."""

    down = False
    deaf = False
    """Whether it takes what is sent, and the answer is lost."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Event]] = []
        self.calls: list[float] = []
        self.between: Callable[[], Any] = lambda: None

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    async def publish(self, events: Sequence[Event]) -> None:
        self.calls.append(time.monotonic())
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("The place is away.")
        self.batches.append(events)
        self.between()
        if self.deaf:
            raise Unavailable("The answer was lost.")


class CountedBookmark(MemoryBookmark):
    """Counts what is asked of it, and can be away."""

    down = False

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.holds = 0

    async def hold(self, holder: str, seconds: float) -> int | None:
        self.holds += 1
        if self.down:
            raise Unavailable("The bookmark is away.")
        return await super().hold(holder, seconds)

    async def advance(self, holder: str, position: int) -> bool:
        if self.down:
            raise Unavailable("The bookmark is away.")
        return await super().advance(holder, position)


class Stage:
    """A store, a place outside, and those who publish from one to the other."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.profiles = MemoryProfiles(self.store)
        self.log = SwitchedLog(self.store)
        self.bookmark = CountedBookmark(self.store)
        self.outside = Outside()
        self.waits: list[tuple[int, float]] = []
        self.counted = 0

    async def wait(self, position: int, seconds: float) -> None:
        """As the feed does: return when there is more."""
        self.waits.append((position, seconds))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await until(lambda: self.store.newest > position)

    def outbox(self, outside: Outside | None = None) -> Outbox:
        return Outbox(
            self.log, outside or self.outside, self.bookmark, self.wait,
            lease=LEASE, published=self._count,
        )  # fmt: skip

    def _count(self, number: int) -> None:
        self.counted += number

    async def some(self, number: int = 1) -> list[Event]:
        return await add(self.profiles, *(person(updated_at=AT) for _ in range(number)))

    async def marked(self) -> None:
        """Put the bookmark at the log's end, so that all that comes is to be published."""
        await self.bookmark.hold("nobody", 0)
        await asyncio.sleep(0.001)
        self.bookmark.holds = 0


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.marked()
    return stage


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", PAUSE)
    monkeypatch.setattr(module, "_PAUSE_MAX", 8 * PAUSE)
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.1)


@contextmanager
def at_work(outbox: Outbox) -> Iterator["asyncio.Task[None]"]:
    running = asyncio.create_task(outbox.run())
    yield running
    assert not running.done() or running.cancelled(), "it ended by itself"
    running.cancel()


async def until(done: Callable[[], object]) -> None:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < PATIENCE, "it did not happen"
        await asyncio.sleep(0.005)


# In order


async def test_what_comes_is_published_in_order_and_once(stage: Stage) -> None:
    expected: list[Event] = []
    with at_work(stage.outbox()):
        for number in (1, 3, 40, 2):
            expected += await stage.some(number)
            await until(lambda: stage.counted == stage.store.newest)
        await asyncio.sleep(2 * LEASE)
    assert stage.outside.events == expected
    assert stage.counted == len(expected)


async def test_a_new_bookmark_leaves_out_what_was_before() -> None:
    stage = Stage()
    await stage.some(5)
    with at_work(stage.outbox()):
        await until(lambda: stage.waits)
        new = await stage.some()
        await until(lambda: stage.outside.events == new)


async def test_much_goes_in_portions(stage: Stage) -> None:
    expected = await stage.some(2 * AT_ONCE + 7)
    with at_work(stage.outbox()):
        await until(lambda: stage.outside.events == expected)
    assert [len(batch) for batch in stage.outside.batches] == [AT_ONCE, AT_ONCE, 7]


async def test_a_turn_ends_before_the_lease_does(stage: Stage) -> None:
    """However much there is: in the second half of its lease it has to be renewed."""
    await stage.some(2_000)
    stage.outside.between = lambda: time.sleep(LEASE / 5)
    began = time.monotonic()
    assert await stage.outbox().turn()
    assert time.monotonic() - began < 2 * LEASE
    assert 0 < len(stage.outside.batches) < 10


# Again


async def test_what_was_published_and_not_noted_comes_again(stage: Stage) -> None:
    events = await stage.some(3)

    def cut_off() -> None:
        stage.bookmark.down = True

    stage.outside.between = cut_off
    with at_work(stage.outbox()):
        await until(lambda: stage.outside.batches)
        await until(lambda: stage.bookmark.holds > 2)
        stage.outside.between = lambda: None
        stage.bookmark.down = False
        await until(lambda: len(stage.outside.batches) == 2)
    assert stage.outside.batches == [events, events]
    assert stage.counted == 6


async def test_where_the_answer_was_lost_all_of_it_comes_again(stage: Stage) -> None:
    events = await stage.some(3)
    stage.outside.deaf = True
    with at_work(stage.outbox()):
        await until(lambda: len(stage.outside.batches) > 1)
        stage.outside.deaf = False
        await until(lambda: stage.counted == 3)
        more = await stage.some()
        await until(lambda: stage.counted == 4)
    assert stage.outside.batches[-2:] == [events, more]
    assert all(batch == events for batch in stage.outside.batches[:-1])


async def test_a_place_that_is_away_is_asked_less_and_less(stage: Stage) -> None:
    await stage.some()
    stage.outside.down = True
    with at_work(stage.outbox()):
        await until(lambda: len(stage.outside.calls) == 6)
        pauses = [b - a for a, b in pairwise(stage.outside.calls)]
        for pause, least in zip(pauses, (1, 2, 4, 8, 8), strict=True):
            assert pause >= least * PAUSE * 0.9
        stage.outside.down = False
        await until(lambda: stage.counted == 1)


async def test_an_outage_is_forgotten_once_it_is_over(stage: Stage) -> None:
    stage.outside.down = True
    with at_work(stage.outbox()):
        await stage.some()
        await until(lambda: len(stage.outside.calls) == 5)
        stage.outside.down = False
        await until(lambda: stage.counted == 1)
        holds = stage.bookmark.holds
        await until(lambda: stage.bookmark.holds > holds)  # a turn went well
        stage.outside.down, number = True, len(stage.outside.calls)
        await stage.some()
        await until(lambda: len(stage.outside.calls) == number + 2)
        first, second = stage.outside.calls[number : number + 2]
        assert second - first < 6 * PAUSE, "it is the first pause again"


@pytest.mark.parametrize("part", ["log", "bookmark"])
async def test_a_store_that_is_away_is_waited_for(stage: Stage, part: str) -> None:
    switched: Any = getattr(stage, part)
    with at_work(stage.outbox()):
        await until(lambda: stage.waits)
        switched.down = True
        await asyncio.sleep(2 * LEASE)
        reads, holds = stage.log.reads, stage.bookmark.holds
        await asyncio.sleep(10 * PAUSE)
        assert stage.log.reads - reads <= 5
        assert stage.bookmark.holds - holds <= 5
        events = await stage.some(2)
        switched.down = False
        await until(lambda: stage.counted == 2)
    assert stage.outside.events == events


# One at a time


async def test_of_two_one_publishes_and_the_other_takes_over(stage: Stage) -> None:
    first, second = Outside(), Outside()
    with at_work(stage.outbox(first)) as running:
        await until(lambda: stage.waits)
        with at_work(stage.outbox(second)):
            before = await stage.some(3)
            await until(lambda: first.events == before)
            await asyncio.sleep(2 * LEASE)
            assert second.events == []
            running.cancel()
            after = await stage.some(3)
            await until(lambda: second.events == after)
    assert first.events == before


async def test_who_has_lost_the_bookmark_stops(stage: Stage) -> None:
    """As one that was stopped for a while: what it has in hand comes again, and nothing else."""
    events = await stage.some(2 * AT_ONCE)

    def stolen() -> None:
        stage.bookmark._until = float("-inf")
        asyncio.get_running_loop().create_task(stage.bookmark.hold("another", 60))
        stage.bookmark._holder = "another"

    stage.outside.between = stolen
    assert not await stage.outbox().turn()
    assert stage.outside.batches == [events[:AT_ONCE]]
    assert await stage.bookmark.hold("another", 60) == 0, "it was not noted by the one that lost it"
    assert not await stage.outbox().turn()
    assert len(stage.outside.batches) == 1


async def test_who_does_not_hold_it_reads_nothing_and_asks_now_and_then(stage: Stage) -> None:
    await stage.bookmark.hold("another", 60)
    await stage.some(3)
    stage.bookmark.holds = 0
    with at_work(stage.outbox()):
        await asyncio.sleep(0.5)
    assert 2 <= stage.bookmark.holds <= 6
    assert stage.log.reads == 0
    assert stage.outside.calls == []


# A log that is another


async def test_a_log_without_the_position_goes_on_where_the_bookmark_says(stage: Stage) -> None:
    """It was trimmed while this one waited, or was slow."""
    with at_work(stage.outbox()):
        await until(lambda: stage.waits)
        stage.log.down = True
        events = await stage.some(5)
        await stage.log.trim(AT + SECOND)
        stage.log.down = False
        await until(lambda: stage.counted == 1)
    assert stage.outside.events == events[-1:]


async def test_a_position_that_stays_unknown_is_no_busy_loop(stage: Stage) -> None:
    stage.bookmark._position = NEW_ERA
    with at_work(stage.outbox()):
        await asyncio.sleep(15 * PAUSE)
        assert 2 <= stage.log.reads <= 16
        assert stage.bookmark.holds == stage.log.reads
        (event,) = await stage.some()
        stage.store.events.append(replace(event, position=NEW_ERA + 1))
        await until(lambda: stage.outside.events)
    assert [event.position for event in stage.outside.events] == [NEW_ERA + 1]


# Quiet


async def test_a_quiet_log_is_waited_for_with_a_bound(stage: Stage) -> None:
    with at_work(stage.outbox()):
        await asyncio.sleep(3 * LEASE)
        assert len(stage.waits) <= 16
        assert stage.bookmark.holds <= 8
    assert all(wait == (0, LEASE / 4) for wait in stage.waits)


async def test_one_who_tells_of_growth_that_is_not_there_makes_no_busy_loop(stage: Stage) -> None:
    """Such as a feed that has not seen yet that the log lost its end."""

    async def at_once(position: int, seconds: float) -> None:
        await asyncio.sleep(0)

    stage.wait = at_once  # type: ignore[method-assign]
    with at_work(stage.outbox()):
        await asyncio.sleep(0.6)
        assert 3 <= stage.log.reads <= 14
        events = await stage.some()
        await until(lambda: stage.outside.events == events)


@pytest.mark.parametrize("moment", ["quiet", "publishing", "pausing", "looking"])
async def test_it_ends_when_it_is_cancelled(stage: Stage, moment: str) -> None:
    if moment == "publishing":
        await stage.some(5_000)
    elif moment == "pausing":
        stage.bookmark.down = True
    elif moment == "looking":
        await stage.bookmark.hold("another", 60)
    running = asyncio.create_task(stage.outbox().run())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    sent = len(stage.outside.events)
    await asyncio.sleep(0.1)
    assert len(stage.outside.events) == sent


async def test_what_nobody_foresaw_ends_it(stage: Stage) -> None:
    """And is not taken for an outage that one waits out."""

    async def broken(position: int, seconds: float) -> None:
        raise RuntimeError("a bug")

    stage.wait = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(stage.outbox().run(), PATIENCE)


async def test_whoever_stops_leaves_the_bookmark_to_others_at_once(stage: Stage) -> None:
    outbox = Outbox(stage.log, stage.outside, stage.bookmark, stage.wait, lease=60)
    with at_work(outbox) as running:
        await until(lambda: stage.bookmark.holds > 0)
        assert await stage.bookmark.hold("another", 60) is None
        running.cancel()
        await asyncio.wait({running})
    await asyncio.sleep(0.001)
    assert await stage.bookmark.hold("another", 60) is not None


async def test_whoever_stops_while_the_bookmark_is_away_stops_all_the_same(stage: Stage) -> None:
    with at_work(stage.outbox()) as running:
        await until(lambda: stage.bookmark.holds > 0)
        stage.bookmark.down = True
        running.cancel()
        await asyncio.wait({running}, timeout=PATIENCE)
        assert running.cancelled()
