"""The circuit breaker of budgets: when it turns, what is left to each, and the way back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from profilecore.adapters import fallback_limiter
from profilecore.adapters.fallback_limiter import KEPT, FallbackLimiter
from profilecore.adapters.memory import MemoryLimiter
from profilecore.errors import Unavailable
from profilecore.limits import MICROSECONDS, Rate, Verdict

RATE = Rate(60, 60, 12)


class Primary:
    """A shared limiter that fails as it is told."""

    def __init__(self) -> None:
        self.fails: list[str] = []
        self.away = False
        self.processes = 1
        self.wait = 0.0
        self.calls: list[str] = []

    async def take(self, key: str, rate: Rate) -> Verdict:
        self._called("take")
        return Verdict(True, 7, 1.0)

    async def join(self) -> int:
        self._called("join")
        return self.processes

    async def rejoin(self) -> float:
        self._called("rejoin")
        return self.wait

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self.away or self.fails:
            raise Unavailable("It is away.", code="timeout" if self.away else self.fails.pop())


async def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not look():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


class Breaker:
    """A FallbackLimiter with its primary and a clock."""

    def __init__(self, processes: int = 1) -> None:
        self.now = 100.0
        self.turns: list[bool] = []
        self.primary = Primary()
        self.limiter = FallbackLimiter(
            self.primary,
            lambda: MemoryLimiter(used=True, clock=lambda: round(self.now * MICROSECONDS)),
            processes,
            turned=lambda active, why: self.turns.append(active),
            clock=lambda: self.now,
        )

    async def passed(self, tries: int) -> int:
        return sum([(await self.limiter.take("a", RATE)).allowed for _ in range(tries)])

    async def turned(self, active: bool) -> None:
        await until(lambda: self.limiter.active is active)

    async def cut_off(self) -> None:
        """It was with the primary, and has been by itself for long."""
        await self.limiter.start()
        self.primary.away = True
        await self.turned(True)
        self.now += 1_000


@pytest.fixture
async def breaker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Breaker]:
    monkeypatch.setattr(fallback_limiter, "EVERY", 0.01)
    monkeypatch.setattr(fallback_limiter, "PAUSE", 0.01)
    breaker = Breaker()
    watching = asyncio.create_task(breaker.limiter.watch())
    yield breaker
    watching.cancel()
    await asyncio.wait({watching})


async def test_it_begins_by_itself_with_nothing_to_give() -> None:
    breaker = Breaker()
    assert breaker.limiter.active
    assert await breaker.passed(5) == 0
    assert breaker.primary.calls == []


async def test_it_starts_with_the_primary_where_that_is_there() -> None:
    breaker = Breaker()
    await breaker.limiter.start()
    assert not breaker.limiter.active
    assert (await breaker.limiter.take("a", RATE)).remaining == 7


async def test_without_the_primary_it_starts_too_and_says_so() -> None:
    breaker = Breaker()
    breaker.primary.away = True
    await breaker.limiter.start()
    assert breaker.limiter.active
    assert breaker.turns == [True]


async def test_a_call_that_fails_turns_it_and_is_answered_all_the_same() -> None:
    breaker = Breaker()
    await breaker.limiter.start()
    breaker.primary.fails = ["unavailable"]
    verdict = await breaker.limiter.take("a", RATE)
    assert not verdict.allowed, "all that may come at once may have been let through before"
    assert breaker.limiter.active
    before = len(breaker.primary.calls)
    breaker.now += 3
    assert await breaker.passed(5) == 3
    assert len(breaker.primary.calls) == before


async def test_of_a_busy_one_it_asks_again() -> None:
    breaker = Breaker()
    await breaker.limiter.start()
    breaker.primary.fails = ["busy", "busy"]
    assert (await breaker.limiter.take("a", RATE)).remaining == 7
    assert not breaker.limiter.active
    breaker.primary.fails = ["busy", "busy", "busy"]
    assert not (await breaker.limiter.take("a", RATE)).allowed
    assert breaker.limiter.active


async def test_what_is_left_to_each_is_its_part_of_all_that_there_were() -> None:
    breaker = Breaker()
    breaker.primary.processes = 4
    await breaker.limiter.start()
    breaker.primary.away = True
    await breaker.passed(1)
    breaker.now += 8
    assert await breaker.passed(10) == 2
    breaker.now += 1_000
    assert await breaker.passed(10) == 3


async def test_no_fewer_are_reckoned_with_than_was_said() -> None:
    breaker = Breaker(processes=6)
    breaker.primary.processes = 2
    await breaker.limiter.start()
    breaker.primary.away = True
    await breaker.passed(1)
    breaker.now += 1_000
    assert await breaker.passed(10) == 2


async def test_the_number_rises_at_once_and_falls_late(breaker: Breaker) -> None:
    async def share() -> int:
        joins = breaker.primary.calls.count("join")
        await until(lambda: breaker.primary.calls.count("join") >= joins + 2)
        return breaker.limiter.processes

    await breaker.limiter.start()
    breaker.primary.processes = 4
    assert await share() == 4
    breaker.primary.processes = 2
    assert await share() == 4
    breaker.now += KEPT
    assert await share() == 2


async def test_it_finds_out_by_itself_and_comes_back_when_it_is_told(breaker: Breaker) -> None:
    await breaker.cut_off()
    breaker.primary.wait, breaker.primary.away = 0.2, False
    await asyncio.sleep(0.1)
    assert breaker.limiter.active, "not before the moment that all were told"
    assert (await breaker.limiter.take("a", RATE)).allowed
    await breaker.turned(False)
    assert breaker.turns == [False, True, False]
    assert breaker.primary.calls[-2:] != ["take", "take"]


async def test_one_that_is_late_gives_nothing_once_the_others_are_back(breaker: Breaker) -> None:
    """They have all of it, and its share would come on top."""
    await breaker.cut_off()
    breaker.primary.wait, breaker.primary.away = 0.5, False
    await until(lambda: breaker.primary.calls[-1] == "rejoin")
    assert await breaker.passed(1) == 1
    breaker.now += 1
    assert breaker.limiter.active
    verdict = await breaker.limiter.take("a", RATE)
    assert not verdict.allowed
    assert verdict.wait == 1.0  # a second, of 60 in a minute
    breaker.primary.away = True  # and so it goes on by itself
    tried = breaker.primary.calls.count("rejoin")
    await until(lambda: breaker.primary.calls.count("rejoin") > tried)
    assert await breaker.passed(1) == 1


async def test_a_way_back_that_breaks_off_is_tried_again(breaker: Breaker) -> None:
    await breaker.limiter.start()
    breaker.primary.fails = ["unavailable", "unavailable", "timeout"]
    await breaker.turned(True)
    await breaker.turned(False)


async def test_the_number_does_not_fall_when_it_is_the_first_to_come_back() -> None:
    breaker = Breaker()
    breaker.primary.processes = 4
    await breaker.limiter.start()
    breaker.primary.away = True
    await breaker.passed(1)
    breaker.now += 1_000
    breaker.primary.away, breaker.primary.processes = False, 1
    watching = asyncio.create_task(breaker.limiter.watch())
    await breaker.turned(False)
    watching.cancel()
    assert breaker.limiter.processes == 4


async def test_busy_beats_turn_nothing(breaker: Breaker) -> None:
    await breaker.limiter.start()
    breaker.primary.fails = ["busy"] * 3
    await until(lambda: not breaker.primary.fails)
    assert not breaker.limiter.active
