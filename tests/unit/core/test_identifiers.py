"""Identifiers sort by the time they were made."""

import sys
import threading
import time
from uuid import UUID

import pytest

from profilecore.identifiers import new_id


def test_it_is_a_uuid_of_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, UUID(int=made.int).variant)
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after + 1


def test_each_is_greater_than_the_one_before() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_threads_share_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock stands still, and the threads take turns as often as they can."""
    now, interval = time.time_ns(), sys.getswitchinterval()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    made: list[list[UUID]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def make(into: list[UUID]) -> None:
        start.wait()
        into.extend(new_id() for _ in range(3_000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert all(own == sorted(own) for own in made)
    everything = [made_id for own in made for made_id in own]
    assert len({made_id.int >> 64 for made_id in everything}) == len(everything)


def test_a_clock_that_goes_back_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    second = new_id()
    assert second > first
    assert second.version == 7
