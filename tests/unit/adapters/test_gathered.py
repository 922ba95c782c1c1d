"""Reads that wait together go out together, and nobody gets less than was promised."""

import asyncio
import gc
from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest

from profilecore.adapters.gathered import GatheredCache, GatheredProfiles
from profilecore.adapters.memory import MemoryCache, MemoryProfiles, MemoryStore
from profilecore.errors import Unavailable
from profilecore.identifiers import new_id
from profilecore.profile import Profile
from profilecore.testing.samples import (
    add,
    person,
    updated,
    write,
)


class HeldProfiles(MemoryProfiles):
    """Each call reads at once, and answers when the test says so."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.calls: list[tuple[set[UUID], int | None, asyncio.Future[None]]] = []

    async def get(
        self, ids: Collection[UUID], *, at_least: int | None = None
    ) -> dict[UUID, Profile]:
        go_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.calls.append((set(ids), at_least, go_on))
        assert len(set(ids)) == len(ids)
        found = await super().get(ids, at_least=at_least)
        await go_on
        return found

    def go_on(self, number: int) -> None:
        self.calls[number][2].set_result(None)

    @property
    def sent(self) -> list[tuple[set[UUID], int | None]]:
        return [(ids, at_least) for ids, at_least, _ in self.calls]


@pytest.fixture
def held() -> HeldProfiles:
    return HeldProfiles(MemoryStore())


async def people(held: HeldProfiles, number: int) -> list[Profile]:
    made = [person() for _ in range(number)]
    await add(held, *made)
    return made


async def passed() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def reading(profiles: GatheredProfiles, *ids: UUID, at_least: int | None = None) -> Any:
    return asyncio.create_task(profiles.get(ids, at_least=at_least))


async def test_what_is_asked_in_one_round_goes_out_as_one_call(held: HeldProfiles) -> None:
    profiles, made = GatheredProfiles(held), await people(held, 3)
    reads = [reading(profiles, p.id) for p in (*made, made[0])]
    reads.append(reading(profiles, made[1].id, made[2].id, unknown := new_id()))
    await passed()
    assert held.sent == [({*(p.id for p in made), unknown}, None)]
    held.go_on(0)
    expected = [{p.id: p} for p in (*made, made[0])]
    expected.append({p.id: p for p in made[1:]})
    assert await asyncio.gather(*reads) == expected, "each gets what it asked for"


async def test_what_comes_meanwhile_goes_out_together(held: HeldProfiles) -> None:
    profiles, made = GatheredProfiles(held, at_once=2), await people(held, 6)
    reads = []
    for profile in made:
        reads.append(reading(profiles, profile.id))
        await passed()
    assert held.sent == [({made[0].id}, None), ({made[1].id}, None)]
    held.go_on(1)
    await passed()
    assert held.sent[2:] == [({p.id for p in made[2:]}, None)]
    held.go_on(0)
    held.go_on(2)
    assert await asyncio.gather(*reads) == [{p.id: p} for p in made]


async def test_no_call_is_larger_than_its_bound(held: HeldProfiles) -> None:
    profiles, made = GatheredProfiles(held, most=4), await people(held, 10)
    read = reading(profiles, *(p.id for p in made))
    for number in range(3):
        await passed()
        held.go_on(number)
    assert await read == {p.id: p for p in made}
    assert [len(ids) for ids, _ in held.sent] == [4, 4, 2]


async def test_a_read_sees_every_write_that_was_answered_before_it(held: HeldProfiles) -> None:
    """So it does not join a call that is under way, which may have read already."""
    profiles, (first,) = GatheredProfiles(held), await people(held, 1)
    early = reading(profiles, first.id)
    await passed()
    change = updated(first)
    await write(profiles, change)
    late = reading(profiles, first.id)
    await passed()
    assert len(held.calls) == 2
    held.go_on(1)
    assert await late == {first.id: change.profile}
    held.go_on(0)
    assert await early == {first.id: first}


async def test_a_read_joins_a_call_under_way_that_sees_enough(held: HeldProfiles) -> None:
    profiles, (first,) = GatheredProfiles(held), await people(held, 1)
    reads = [reading(profiles, first.id, at_least=5)]
    await passed()
    reads += [reading(profiles, first.id, at_least=n) for n in (5, 3, 0)]
    await passed()
    assert held.sent == [({first.id}, 5)]
    reads += [reading(profiles, first.id, at_least=6), reading(profiles, new_id(), at_least=1)]
    await passed()
    assert held.sent[1:] == [({first.id}, 6)] or held.sent[1][1] == 6
    assert len(held.calls) == 2
    for number in range(2):
        held.go_on(number)
    await asyncio.gather(*reads)


async def test_a_position_may_be_newer_than_a_call_for_all_that_was_written(
    held: HeldProfiles,
) -> None:
    """The call went out before, and sees what was written by then."""
    profiles, (first,) = GatheredProfiles(held), await people(held, 1)
    reads = [reading(profiles, first.id)]
    await passed()
    reads.append(reading(profiles, first.id, at_least=9))
    await passed()
    assert held.sent == [({first.id}, None), ({first.id}, 9)]
    held.go_on(0)
    held.go_on(1)
    assert await asyncio.gather(*reads) == [{first.id: first}] * 2


async def test_what_is_asked_of_the_primary_is_not_mixed_with_the_rest(held: HeldProfiles) -> None:
    """A call asks for as much as the most demanding of those that it serves."""
    profiles, made = GatheredProfiles(held), await people(held, 4)
    positions = (None, 2, 7, 4)
    reads = [reading(profiles, p.id, at_least=n) for p, n in zip(made, positions, strict=True)]
    await passed()
    held.go_on(0)
    await passed()
    held.go_on(1)
    assert held.sent == [({made[0].id}, None), ({p.id for p in made[1:]}, 7)]
    assert await asyncio.gather(*reads) == [{p.id: p} for p in made]


async def test_a_caller_that_is_cancelled_fails_nobody_else(held: HeldProfiles) -> None:
    profiles, made = GatheredProfiles(held), await people(held, 2)
    leader, other = reading(profiles, made[0].id), reading(profiles, made[0].id, made[1].id)
    await passed()
    leader.cancel()
    await passed()
    assert leader.cancelled()
    held.go_on(0)
    assert await other == {p.id: p for p in made}
    alone = reading(profiles, made[0].id)
    await passed()
    alone.cancel()
    held.go_on(1)
    await passed()
    assert held.calls[1][2].done()
    assert not held.calls[1][2].cancelled(), "the call went on, and its end bothers nobody"


async def test_an_error_is_for_those_who_asked_in_that_call(held: HeldProfiles) -> None:
    profiles, made = GatheredProfiles(held), await people(held, 2)
    failing = [reading(profiles, made[0].id) for _ in range(3)]
    await passed()
    fine = reading(profiles, made[1].id)
    await passed()
    failing[0].cancel()
    held.calls[0][2].set_exception(Unavailable("down"))
    held.go_on(1)
    outcomes = await asyncio.gather(*failing, fine, return_exceptions=True)
    assert [type(o) for o in outcomes[1:3]] == [Unavailable] * 2
    assert outcomes[3] == {made[1].id: made[1]}
    again = reading(profiles, made[0].id)
    await passed()
    held.go_on(2)
    assert await again == {made[0].id: made[0]}, "the next call is one of its own"


async def test_an_error_that_nobody_is_left_to_see_is_no_noise(held: HeldProfiles) -> None:
    """A read of several calls ends with the first error; the second is no news."""
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    read = reading(GatheredProfiles(held, most=1, at_once=1), new_id(), new_id())
    await passed()
    for number in range(2):
        held.calls[number][2].set_exception(Unavailable("down"))
        await passed()
    with pytest.raises(Unavailable):
        await read
    del read
    held.calls.clear()  # with the errors, and the frames that they hold
    gc.collect()
    assert said == []


async def test_a_call_that_is_cancelled_leaves_nobody_waiting(held: HeldProfiles) -> None:
    """As at the end of a process, which cancels all there is."""
    profiles = GatheredProfiles(held)
    read = reading(profiles, new_id())
    await passed()
    held.calls[0][2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await read


async def test_a_read_that_comes_just_as_the_last_call_ends_is_sent() -> None:
    """At each step of the loop round that end, and with one place only."""
    profiles = GatheredProfiles(MemoryProfiles(MemoryStore()), at_once=1)

    async def late(rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
        await profiles.get([new_id()])

    async with asyncio.timeout(5):
        for rounds in range(10):
            await asyncio.gather(profiles.get([new_id()]), late(rounds))


async def test_nothing_is_not_asked_for(held: HeldProfiles) -> None:
    assert await GatheredProfiles(held).get([]) == {}
    assert held.calls == []


async def test_a_cached_read_sees_the_put_before_it() -> None:
    class Held(MemoryCache):
        def __init__(self) -> None:
            super().__init__()
            self.waits: list[asyncio.Future[None]] = []

        async def get(self, ids: Collection[UUID]) -> Any:
            found = await super().get(ids)
            self.waits.append(asyncio.get_running_loop().create_future())
            await self.waits[-1]
            return found

    inner, first = Held(), person()
    cache, newer = GatheredCache(inner), updated(first).profile
    await cache.put(first)
    early = asyncio.create_task(cache.get([first.id]))
    await passed()
    await cache.put(newer)
    late = [asyncio.create_task(cache.get([first.id])) for _ in range(3)]
    await passed()
    assert len(inner.waits) == 2
    for wait in inner.waits:
        wait.set_result(None)
    assert await early == {first.id: first}
    assert await asyncio.gather(*late) == [{first.id: newer}] * 3
