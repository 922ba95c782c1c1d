"""The cache in memory, played against lists that forget nothing."""

import asyncio
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.memory import cache as module
from profilecore.profile import Profile
from profilecore.testing.samples import person


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def version(profile: Profile, number: int) -> Profile:
    return replace(profile, version=number)


class CacheMachine(RuleBasedStateMachine):
    """A cache of three with floors for four, against lists that forget nothing."""

    people = tuple(person() for _ in range(7))
    who = st.integers(0, 6)
    versions = st.integers(1, 4)

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.floors_max, module.FLOORS_MAX = module.FLOORS_MAX, 4  # type: ignore[misc]
        self.cache = MemoryCache(capacity=3, ttl=30, clock=self.clock)
        self.fifo: list[int] = []
        self.copies: dict[int, tuple[int, float]] = {}
        self.seen: dict[int, list[tuple[int, float]]] = {}
        self.evictions = self.expirations = 0

    def teardown(self) -> None:
        module.FLOORS_MAX = self.floors_max  # type: ignore[misc]

    def gone(self, who: int, at: float) -> None:
        self.seen.setdefault(who, []).append((self.copies.pop(who)[0], at))
        self.fifo.remove(who)

    def sweep(self) -> None:
        for who, (_, until) in sorted(self.copies.items()):
            if until <= self.clock.now:
                self.gone(who, self.clock.now)
                self.expirations += 1

    def floor(self, who: int) -> int:
        """The greatest version that the last ten seconds knew of, or that is there."""
        known = [v for v, at in self.seen.get(who, []) if self.clock.now - at < 10]
        return max([*known, self.copies.get(who, (0, 0.0))[0]])

    @rule(who=who, number=versions)
    def put(self, who: int, number: int) -> None:
        self.sweep()
        asyncio.run(self.cache.put(version(self.people[who], number)))
        taken = self.people[who].id in self.cache._copies and (
            self.cache._copies[self.people[who].id].version == number
        )
        assert not (taken and number < self.floor(who)), "an old version came back"
        if not taken:
            return
        if who not in self.copies and len(self.copies) == 3:
            self.gone(self.fifo[0], self.clock.now)
            self.evictions += 1
        if who not in self.copies:
            self.fifo.append(who)
        self.copies[who] = (number, self.clock.now + 30)

    @rule(who=who, number=versions)
    def drop(self, who: int, number: int) -> None:
        self.sweep()
        asyncio.run(self.cache.drop(self.people[who].id, number))
        if who in self.copies and self.copies[who][0] < number:
            self.gone(who, self.clock.now)
        self.seen.setdefault(who, []).append((number, self.clock.now))

    @rule(seconds=st.sampled_from([0.5, 3, 9, 11, 29, 31]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(who=who, number=versions)
    def after_quiet_time_all_is_taken(self, who: int, number: int) -> None:
        self.clock.now += 41
        self.sweep()
        self.clock.now += 11
        assert self.cache.size == 0
        self.clock.now += 11
        self.put(who, number)
        assert who in self.copies

    @invariant()
    def it_agrees(self) -> None:
        self.sweep()
        found = asyncio.run(self.cache.get([p.id for p in self.people]))
        expected = {self.people[who].id: v for who, (v, _) in self.copies.items()}
        assert {i: p.version for i, p in found.items()} == expected
        assert self.cache.size == len(self.copies) <= 3
        assert (self.cache.evictions, self.cache.expirations) == (self.evictions, self.expirations)
        assert len(self.cache._floors) <= 4


TestCacheAgainstModel = CacheMachine.TestCase
TestCacheAgainstModel.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
