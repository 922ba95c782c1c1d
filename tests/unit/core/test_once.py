"""Writes with a receipt: made once, and told again as they were told first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from profilecore.batch import Item, Outcome, run_batch
from profilecore.batch_note import Note
from profilecore.errors import Conflict, Invalid, NotFound, ProfilecoreError, Unavailable
from profilecore.identifiers import new_id
from profilecore.receipt import KEPT, Receipt
from profilecore.service import now
from profilecore.testing.samples import (
    add,
    person,
    updated,
    write,
)
from profilecore.written import Written
from tests.unit.core.batches import create, delete, update
from tests.unit.core.doubles import Process
from tests.unit.core.studio import Studio

ADA = {"name": "Ada", "email": "ada@example.com"}


def receipt(key: str = "key", asked: bytes = b"") -> Receipt:
    return Receipt.of("me", "POST /profiles", key, asked, request_id="r1")


def again(outcome: Written) -> Written:
    return replace(outcome, replayed=True)


# Receipts


def test_a_key_is_of_one_caller_and_one_route() -> None:
    keys = {
        Receipt.of(*words, b"").key
        for words in (
            ("me", "POST /a", "k"),
            ("you", "POST /a", "k"),
            ("me", "POST /b", "k"),
            ("me", "POST /a", "l"),
            ("m", "ePOST /a", "k"),
            ("", "mePOST /a", "k"),
        )
    }
    assert len(keys) == 6


def test_a_fingerprint_says_what_was_asked_to_those_alone_who_have_the_key() -> None:
    one = receipt(asked=b"body")
    assert one.fingerprint == receipt(asked=b"body").fingerprint
    others = {
        receipt(asked=b"other").fingerprint,
        receipt("another key", asked=b"body").fingerprint,
        Receipt.of("me", "POST /profiles", "key", b"bo", b"dy").fingerprint,
        one.over(b"more").fingerprint,
        one.over(b"others").fingerprint,
    }
    assert len(others | {one.fingerprint}) == 6
    assert one.lasts == KEPT == timedelta(hours=24)


# One profile


async def test_a_profile_is_created_once(process: Process) -> None:
    service = process.service
    first = await service.create(ADA, actor="me", receipt=receipt())
    changed = await service.update(first.profile.id, {"bio": "x"}, expected=None, actor=None)
    assert await service.create(ADA, actor="me", receipt=receipt()) == again(first)
    await service.remove(first.profile.id, expected=None, actor=None)
    assert await service.create(ADA, actor="me", receipt=receipt()) == again(first)
    assert await process.log.position() == changed.position + 1
    assert not first.replayed


async def test_another_request_with_its_key_is_refused(process: Process) -> None:
    await process.service.create(ADA, actor=None, receipt=receipt(asked=b"a"))
    other = {"name": "Bob", "email": "bob@example.com"}
    with pytest.raises(Invalid) as refused:
        await process.service.create(other, actor=None, receipt=receipt(asked=b"b"))
    assert refused.value.code == "key_reused"
    assert await process.log.position() == 1


async def test_what_was_refused_may_be_asked_for_again(process: Process) -> None:
    first = await process.service.create(ADA, actor=None)
    with pytest.raises(Conflict, match="has this email"):
        await process.service.create(ADA, actor=None, receipt=receipt())
    await process.service.remove(first.profile.id, expected=None, actor=None)
    second = await process.service.create(ADA, actor=None, receipt=receipt())
    assert not second.replayed


@pytest.mark.parametrize("how", ["erase", "trim"])
async def test_what_is_gone_is_not_told(process: Process, how: str) -> None:
    service = process.service
    first = await service.create(ADA, actor=None, receipt=receipt())
    await service.remove(first.profile.id, expected=None, actor=None)
    if how == "erase":
        await process.profiles.erase([first.profile.id])
    else:
        await process.log.trim(now() + timedelta(days=1))
    with pytest.raises(NotFound) as gone:
        await service.create(ADA, actor=None, receipt=receipt())
    assert gone.value.code == "answer_gone"
    assert await process.log.position() == 2, "it is not made anew either"


async def test_a_profile_is_restored_once(process: Process) -> None:
    service = process.service
    profile = (await service.create(ADA, actor=None)).profile
    await service.remove(profile.id, expected=None, actor=None)

    async def restore(expected: int | None = None) -> Written:
        return await service.restore(
            profile.id, expected=expected, actor=None, receipt=receipt("restore")
        )

    with pytest.raises(Conflict, match="is at version 2"):
        await restore(1)
    first = await restore(2)
    assert (first.profile.version, first.replayed) == (3, False)
    assert await restore(2) == again(first), "and not: it is not deleted"
    await service.update(profile.id, {"bio": "x"}, expected=None, actor=None)
    await service.remove(profile.id, expected=None, actor=None)
    assert await restore(2) == again(first)
    assert (await service.stored([profile.id]))[profile.id].deleted_at is not None
    with pytest.raises(NotFound):
        await service.restore(new_id(), expected=None, actor=None, receipt=receipt("other"))


# Images


async def test_an_image_is_added_once(studio: Studio) -> None:
    profile = await studio.person()

    async def add_one(data: bytes = b"one") -> Any:
        return await studio.images.add(
            profile.id, studio.upload(data), actor=None, receipt=receipt(asked=data)
        )

    first = await add_one()
    assert (await add_one()) == replace(first, written=again(first.written))
    assert studio.imager.rendered == [b"one"], "it is not rendered again"
    service = studio.process.service
    await studio.images.remove(profile.id, first.image.id, expected=None, actor=None)
    assert (await add_one()).image == first.image
    assert (await studio.stored(profile)).images == ()
    await service.remove(profile.id, expected=None, actor=None)
    assert (await add_one()) == replace(first, written=again(first.written))
    with pytest.raises(Invalid, match="another request"):
        await add_one(b"two")


@pytest.mark.parametrize("when", ["render", "write"])
async def test_an_image_that_another_process_adds_meanwhile(studio: Studio, when: str) -> None:
    """By the same request, which came to both."""
    profile = await studio.person()

    async def add_one() -> Any:
        return await studio.images.add(profile.id, studio.upload(), actor=None, receipt=receipt())

    done: list[Any] = []

    async def faster() -> None:
        studio.imager.before = studio.profiles.before_write = None
        done.append(await add_one())

    if when == "render":
        studio.imager.before = faster
    else:

        async def at_the_write() -> None:
            # The first writes are looks; it is made when the image is stored.
            if studio.holds.held:
                await faster()

        studio.profiles.before_write = at_the_write
    outcome = await add_one()
    (first,) = done
    assert outcome == replace(first, written=again(first.written))
    assert (await studio.stored(profile)).version == 2


async def test_an_image_that_is_refused_may_come_again(studio: Studio) -> None:
    with pytest.raises(NotFound):
        await studio.images.add(new_id(), studio.upload(), actor=None, receipt=receipt())
    profile = await studio.person()
    outcome = await studio.images.add(profile.id, studio.upload(), actor=None, receipt=receipt())
    assert outcome.written is not None
    assert not outcome.written.replayed
    same = await studio.images.add(
        profile.id, studio.upload(), actor=None, receipt=receipt("other")
    )
    assert same.written is None, "that changed nothing, and is not kept"


# Batches


def told(outcome: Outcome) -> Any:
    if isinstance(outcome, Written):
        gone = outcome.profile.deleted_at is not None
        return outcome.profile.id if gone else outcome.profile, outcome.position
    errors = outcome.errors if isinstance(outcome, Invalid) else ()
    return type(outcome), outcome.code, outcome.detail, errors, getattr(outcome, "version", None)


async def batch(process: Process, items: list[Item], *, atomic: bool = False) -> list[Outcome]:
    return await run_batch(process.service, items, atomic=atomic, actor=None, receipt=receipt())


async def assert_told_again(
    process: Process, items: list[Item], first: list[Outcome], *, atomic: bool = False
) -> None:
    position = await process.log.position()
    second = await batch(process, items, atomic=atomic)
    assert list(map(told, second)) == list(map(told, first))
    assert await process.log.position() == position
    for outcome in second:
        if isinstance(outcome, ProfilecoreError):
            assert outcome.request_id == "r1"
        else:
            assert outcome.replayed


async def a_bit_of_everything(process: Process) -> list[Item]:
    a, b, c = person(), person(), person()
    await add(process.profiles, a, b, c)
    return [
        create(email="x"),
        create(email=a.email),
        create(),
        update(new_id(), name="nobody"),
        update(a.id, bio="first"),
        update(a.id, bio="second"),
        update(b.id, 7, bio="stale"),
        delete(c.id),
        delete(c.id),
    ]


async def test_each_item_is_told_again(process: Process) -> None:
    items = await a_bit_of_everything(process)
    first = await batch(process, items)
    codes = [None if isinstance(o, Written) else o.code for o in first]
    assert codes[:4] == ["invalid", "email_taken", None, "not_found"]
    assert codes[4:] == [None, None, "stale_version", None, "not_found"]
    await assert_told_again(process, items, first)


@pytest.mark.parametrize("atomic", [False, True])
async def test_deletions_are_told_again(process: Process, atomic: bool) -> None:
    """Of which nothing can be planned any more."""
    people = [person(), person()]
    await add(process.profiles, *people)
    items = [delete(profile.id) for profile in people]
    first = await batch(process, items, atomic=atomic)
    await assert_told_again(process, items, first, atomic=atomic)


async def test_all_or_nothing_is_told_again(process: Process) -> None:
    a = person()
    await add(process.profiles, a)
    items = [create(), update(a.id, 1, name="x"), update(a.id, bio="y")]
    first = await batch(process, items, atomic=True)
    await assert_told_again(process, items, first, atomic=True)
    with pytest.raises(Invalid, match="another request"):
        await run_batch(
            process.service, items, atomic=True, actor=None, receipt=receipt(asked=b"other")
        )


async def test_what_came_to_nothing_may_be_asked_for_again(process: Process) -> None:
    missing, email = person(), "taken@x.de"
    (event,) = await add(process.profiles, person(email=email))
    items = [update(missing.id, name="x"), create(email=email)]
    for _ in range(2):
        outcomes = await batch(process, items)
        assert [type(outcome) for outcome in outcomes] == [NotFound, Conflict]
    await add(process.profiles, missing)
    outcomes = await batch(process, items)
    assert [type(outcome) for outcome in outcomes] == [Written, Conflict]
    assert await process.log.position() == event.position + 2


async def a_race(process: Process) -> list[Item]:
    """Items of which one is overtaken, and written by a second write."""
    a, b = person(), person()
    await add(process.profiles, a, b)
    other = Process(process.store).profiles

    async def overtake() -> None:
        process.profiles.before_write = None
        await write(other, updated(a, bio="by somebody else"))

    process.profiles.before_write = overtake
    return [create(), update(new_id(), name="nobody"), update(a.id, name="A"), delete(b.id)]


async def test_what_took_two_writes_is_told_again(process: Process) -> None:
    items = await a_race(process)
    first = await batch(process, items)
    assert [isinstance(outcome, Written) for outcome in first] == [True, False, True, True]
    assert isinstance(first[2], Written)
    assert first[2].profile.version == 3
    await assert_told_again(process, items, first)


async def test_one_who_comes_after_a_kill_goes_on_behind_the_last_write(process: Process) -> None:
    items = await a_race(process)
    process.profiles.before_write, overtake = None, process.profiles.before_write
    assert overtake is not None

    async def be_overtaken() -> None:
        await overtake()
        process.profiles.before_write = die

    async def die() -> None:
        raise Unavailable("It was killed.")

    process.profiles.before_write = be_overtaken
    with pytest.raises(Unavailable):
        await batch(process, items)
    process.profiles.before_write = None
    written = await process.log.position()
    first = await run_batch(
        process.service,
        items,
        atomic=False,
        actor=None,
        receipt=replace(receipt(), request_id="r2"),
    )
    assert [isinstance(outcome, Written) for outcome in first] == [True, False, True, True]
    assert await process.log.position() == written + 1, "only what was left was written"
    await assert_told_again(process, items, first)


async def test_what_was_refused_last_stays_refused(process: Process) -> None:
    """After something was written: the second deletion was told that there is no profile."""
    c = person()
    await add(process.profiles, c)
    items = [delete(c.id), delete(c.id)]
    first = await batch(process, items)
    assert [type(outcome) for outcome in first] == [Written, NotFound]
    await process.service.restore(c.id, expected=None, actor=None)
    await assert_told_again(process, items, first)
    assert (await process.profiles.get([c.id]))[c.id].deleted_at is None


async def test_an_item_of_somebody_who_was_erased_is_gone(process: Process) -> None:
    items = [create(), create()]
    first = await batch(process, items)
    assert isinstance(first[0], Written)
    id_ = first[0].profile.id
    await process.service.remove(id_, expected=None, actor=None)
    await process.profiles.erase([id_])
    second = await batch(process, items)
    assert isinstance(second[0], NotFound)
    assert second[0].code == "answer_gone"
    assert told(second[1]) == told(first[1])


async def test_a_note_says_nothing_of_a_person(process: Process) -> None:
    marker = "TopSecret"
    a = person(email=f"{marker}@x.de")
    await add(process.profiles, a)
    items = [
        create(name=marker, email=f"{marker}@x.de"),
        create(name=marker * 100, email=marker, bio=f"{marker}\0", image_urls=[marker]),
        update(a.id, name=f"{marker}\nX"),
        update(a.id, 3, bio=marker),
        create(name=marker),
    ]
    first = await batch(process, items)
    assert [isinstance(outcome, Written) for outcome in first].count(False) == 4
    assert marker not in repr(process.store.receipts._rows)
    assert len(process.store.receipts._rows) > 0


def test_a_note_is_read_as_it_was_written() -> None:
    errors: dict[int, ProfilecoreError] = {
        0: Invalid.field("name", "must not be empty"),
        3: Conflict("Other.", code="stale_version", version=3),
        5: NotFound("Gone."),
    }
    errors[3].request_id = "before"
    note = Note.decode(Note([1, 2, 4], errors, "r").encode())
    assert (note.items, note.request_id) == ([1, 2, 4], "r")
    assert [error.request_id for error in note.refused.values()] == ["r", "before", "r"]
    assert {i: told(e) for i, e in note.refused.items()} == {i: told(e) for i, e in errors.items()}
