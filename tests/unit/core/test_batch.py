"""Many changes in one call."""

import pytest

from profilecore.batch import ITEMS_MAX, Outcome, run_batch
from profilecore.errors import Conflict, Invalid, NotFound
from profilecore.identifiers import new_id
from profilecore.profile import Profile
from profilecore.service import REREADS
from profilecore.testing.samples import (
    add,
    person,
    updated,
    write,
)
from profilecore.written import Written
from tests.unit.core.batches import create, delete, update
from tests.unit.core.doubles import Process


def codes(outcomes: list[Outcome]) -> list[str | None]:
    return [None if isinstance(outcome, Written) else outcome.code for outcome in outcomes]


async def stored(process: Process, *profiles: Profile) -> list[int | None]:
    """The versions that are there; None for what is deleted or was never there."""
    found = await process.profiles.get([p.id for p in profiles])
    alive = {i: p.version for i, p in found.items() if p.deleted_at is None}
    return [alive.get(p.id) for p in profiles]


async def test_each_item_has_its_answer_in_order(process: Process) -> None:
    a, b, c = person(), person(), person()
    await add(process.profiles, a, b, c)
    items = [
        create(),
        update(a.id, name="A"),
        update(new_id(), name="nobody"),
        delete(b.id, expected=7),
        update(c.id, email=a.email),
        update(c.id, email="x"),
        delete(c.id, expected=1),
        create(email=a.email),
    ]
    outcomes = await run_batch(process.service, items, atomic=False, actor="me")
    assert codes(outcomes) == [
        None,
        None,
        "not_found",
        "stale_version",
        "email_taken",
        "invalid",
        None,
        "email_taken",
    ]
    assert await stored(process, a, b, c) == [2, 1, None]
    assert isinstance(outcomes[0], Written)
    assert outcomes[0].profile.owner == "me"


async def test_an_item_sees_what_those_before_it_did(process: Process) -> None:
    a = person()
    await add(process.profiles, a)
    items = [
        update(a.id, bio="1"),
        update(a.id, expected=2, name="2"),
        delete(a.id, expected=3),
        update(a.id, bio="late"),
    ]
    for atomic in (True, False):
        if atomic:
            with pytest.raises(NotFound) as refused:
                await run_batch(process.service, items, atomic=True, actor=None)
            assert refused.value.item == 3
            assert await stored(process, a) == [1]
        else:
            outcomes = await run_batch(process.service, items, atomic=False, actor=None)
            assert codes(outcomes) == [None, None, None, "not_found"]
    assert await stored(process, a) == [None]


async def test_what_was_planned_on_a_refused_item_is_planned_anew(process: Process) -> None:
    a, b = person(), person()
    await add(process.profiles, a, b)
    items = [update(a.id, email=b.email, name="refused"), update(a.id, bio="taken")]
    outcomes = await run_batch(process.service, items, atomic=False, actor=None)
    assert codes(outcomes) == ["email_taken", None]
    profile = (await process.profiles.get([a.id]))[a.id]
    assert (profile.name, profile.bio, profile.version) == (a.name, "taken", 2)


@pytest.mark.parametrize("wrong", ["plan", "write"])
async def test_all_or_nothing_names_the_item(process: Process, wrong: str) -> None:
    a, b = person(), person()
    (*_, last) = await add(process.profiles, a, b)
    bad = update(new_id()) if wrong == "plan" else create(email=b.email)
    with pytest.raises((NotFound, Conflict)) as refused:
        await run_batch(
            process.service, [create(), update(a.id), bad, delete(b.id)], atomic=True, actor=None
        )
    assert refused.value.item == 2
    assert await stored(process, a, b) == [1, 1]
    assert await process.log.position() == last.position


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_race_is_planned_again(process: Process, atomic: bool) -> None:
    a, b = person(), person()
    await add(process.profiles, a, b)
    other = Process(process.log._store).profiles

    async def once() -> None:
        process.profiles.before_write = None
        await write(other, updated(a, bio="by somebody else"))

    process.profiles.before_write = once
    items = [create(), update(a.id, name="A"), update(b.id, name="B")]
    outcomes = await run_batch(process.service, items, atomic=atomic, actor=None)
    assert codes(outcomes) == [None, None, None]
    assert await stored(process, a, b) == [3, 2]
    profile = (await process.profiles.get([a.id]))[a.id]
    assert (profile.name, profile.bio) == ("A", "by somebody else")
    assert isinstance(outcomes[0], Written)
    assert await stored(process, outcomes[0].profile) == [1]


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_race_on_an_expected_version_is_refused(process: Process, atomic: bool) -> None:
    a = person()
    await add(process.profiles, a)
    other = Process(process.log._store).profiles

    async def once() -> None:
        process.profiles.before_write = None
        await write(other, updated(a))

    process.profiles.before_write = once
    items = [create(), update(a.id, expected=1, name="A")]
    if atomic:
        with pytest.raises(Conflict) as refused:
            await run_batch(process.service, items, atomic=True, actor=None)
        assert (refused.value.code, refused.value.item) == ("stale_version", 1)
    else:
        outcomes = await run_batch(process.service, items, atomic=False, actor=None)
        assert codes(outcomes) == [None, "stale_version"]
    assert await stored(process, a) == [2]


@pytest.mark.parametrize("atomic", [True, False])
async def test_it_gives_up_where_others_are_always_faster(process: Process, atomic: bool) -> None:
    a = person()
    await add(process.profiles, a)
    other = Process(process.log._store).profiles

    async def be_faster() -> None:
        await write(other, updated((await other.get([a.id]))[a.id]))

    process.profiles.before_write = be_faster
    items = [update(a.id, name="A")]
    if atomic:
        with pytest.raises(Conflict) as refused:
            await run_batch(process.service, items, atomic=True, actor=None)
        assert (refused.value.code, refused.value.item) == ("conflict", 0)
    else:
        outcomes = await run_batch(process.service, items, atomic=False, actor=None)
        assert codes(outcomes) == ["conflict"]
    assert await stored(process, a) == [1 + REREADS]


async def test_a_conflict_that_is_no_items_is_passed_on(process: Process) -> None:
    async def conflict() -> None:
        raise Conflict("Of the store itself.")

    process.profiles.before_write = conflict
    with pytest.raises(Conflict, match="itself"):
        await run_batch(process.service, [create()], atomic=True, actor=None)


async def test_a_batch_has_a_limit(process: Process) -> None:
    many = [create() for _ in range(ITEMS_MAX + 1)]
    with pytest.raises(Invalid):
        await run_batch(process.service, many, atomic=False, actor=None)
    assert await process.log.position() == 0
    outcomes = await run_batch(process.service, many[1:], atomic=True, actor=None)
    assert codes(outcomes) == [None] * ITEMS_MAX
    assert await run_batch(process.service, [], atomic=True, actor=None) == []
