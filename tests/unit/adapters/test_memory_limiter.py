"""Budgets of one process: how many are kept, and how they begin."""

from profilecore.adapters.memory import MemoryLimiter
from profilecore.limits import MICROSECONDS, Rate

RATE = Rate(1, 3_600, 1)


class Clock:
    now = 5 * MICROSECONDS

    def __call__(self) -> int:
        return self.now


async def test_of_too_many_the_one_asked_for_the_longest_ago_is_forgotten() -> None:
    limiter = MemoryLimiter(most=3)
    for key in "abc":
        assert (await limiter.take(key, RATE)).allowed
    assert not (await limiter.take("a", RATE)).allowed  # and so it is not the oldest any more
    assert (await limiter.take("d", RATE)).allowed
    for key in "acd":
        assert not (await limiter.take(key, RATE)).allowed
    assert (await limiter.take("b", RATE)).allowed


async def test_a_used_one_begins_with_nothing_and_fills_from_when_it_was_made() -> None:
    clock, rate = Clock(), Rate(60, 60, 10)
    limiter = MemoryLimiter(used=True, clock=clock)
    verdict = await limiter.take("a", rate)
    assert (verdict.allowed, verdict.wait) == (False, 1.0)
    clock.now += 3 * MICROSECONDS
    assert [(await limiter.take("a", rate)).allowed for _ in range(4)] == [True] * 3 + [False]
    assert [(await limiter.take("b", rate)).allowed for _ in range(4)] == [True] * 3 + [False]
