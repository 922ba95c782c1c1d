"""Budgets: how they are written, and the one step that is taken of them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilecore.limits import MICROSECONDS, Rate, Verdict, taken

RATES = st.builds(Rate, st.integers(1, 1_000), st.sampled_from([1, 60, 3_600]), st.integers(1, 50))
STEPS = st.lists(st.integers(0, 200_000_000) | st.just(0), min_size=1, max_size=120)
T0 = 1_700_000_000 * MICROSECONDS


class Bucket:
    """What a budget is, in plain words: a bucket that leaks, and holds no more than `burst`."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._level = Fraction(0)
        self._at = T0

    def take(self, now: int) -> Verdict:
        leaked = Fraction(now - self._at, self._rate.interval)
        self._level, self._at = max(Fraction(0), self._level - leaked), now
        allowed = self._level + 1 <= self._rate.burst
        if allowed:
            self._level += 1
        remaining = int(self._rate.burst - self._level)
        missing = remaining + 1 - (self._rate.burst - self._level)
        return Verdict(allowed, remaining, float(missing * self._rate.interval / MICROSECONDS))


@given(RATES, STEPS)
def test_it_does_what_a_leaking_bucket_does(rate: Rate, steps: list[int]) -> None:
    bucket, full_at, now = Bucket(rate), 0, T0
    for step in steps:
        now += step
        full_at, verdict = taken(full_at, now, rate)
        wanted = bucket.take(now)
        assert (verdict.allowed, verdict.remaining) == (wanted.allowed, wanted.remaining)
        assert verdict.wait == pytest.approx(wanted.wait)


@given(RATES, STEPS)
def test_never_more_within_any_time(rate: Rate, steps: list[int]) -> None:
    full_at, now, passed = 0, T0, []
    for step in steps:
        now += step
        full_at, verdict = taken(full_at, now, rate)
        if verdict.allowed:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            window = Fraction(passed[last] - passed[first], MICROSECONDS)
            assert last - first + 1 <= rate.burst + rate.count * window / rate.period


@given(RATES, STEPS)
def test_who_waits_as_told_may_pass_and_not_a_moment_before(rate: Rate, steps: list[int]) -> None:
    full_at, now = 0, T0
    for step in steps:
        now += step
        full_at, verdict = taken(full_at, now, rate)
        told = now + round(verdict.wait * MICROSECONDS)
        if not verdict.allowed:
            assert taken(full_at, told, rate)[1].allowed
            assert not taken(full_at, told - 1, rate)[1].allowed


def test_a_clock_that_is_set_back_costs_no_more_than_all_that_may_come_at_once() -> None:
    rate = Rate(60, 60, 10)
    full_at, _ = taken(0, T0, rate)
    earlier = T0 - 3_600 * MICROSECONDS
    full_at, verdict = taken(full_at, earlier, rate)
    assert verdict == Verdict(False, 0, 1.0)
    _, verdict = taken(full_at, earlier + MICROSECONDS, rate)
    assert verdict.allowed


def test_a_budget_that_was_never_used_is_full() -> None:
    assert taken(0, T0, Rate(600, 60, 50)) == (T0 + 100_000, Verdict(True, 49, 0.1))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", Rate(50, 1, 50)),
        ("600/m", Rate(600, 60, 600)),
        ("600/m,burst=50", Rate(600, 60, 50)),
        ("1/h", Rate(1, 3_600, 1)),
        ("1000000/d,burst=2000000", Rate(1_000_000, 86_400, 2_000_000)),
    ],
)
def test_how_it_is_written(text: str, rate: Rate) -> None:
    assert Rate.read(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        *("", "600", "600/", "/m", "0/m", "-1/m", "6/m,burst=0", "6/m,burst=", "6/m burst=5"),
        *("6/w", "٦/m", "1.5/s", "12345678/s", "6 /m", "6/M", "6/m\n"),
    ],
)
def test_what_it_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Rate.read(text)


def test_the_interval_is_rounded_up_so_that_it_is_never_too_many() -> None:
    assert Rate(3, 1, 3).interval == 333_334
    assert Rate(1_000_000, 1, 1).interval == 1


@given(RATES, st.integers(1, 60))
def test_shares_together_are_no_more_than_the_whole(rate: Rate, processes: int) -> None:
    share = rate.share(processes)
    assert processes * Fraction(MICROSECONDS, share.interval) <= Fraction(rate.count, rate.period)
    assert share.burst == 1 or processes * share.burst <= rate.burst
