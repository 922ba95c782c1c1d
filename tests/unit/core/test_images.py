"""Adding images and taking them away, on adapters in memory."""

import asyncio
from datetime import timedelta

import pytest

from profilecore import images
from profilecore.errors import Conflict, Invalid, NotFound, Unavailable
from profilecore.event import Change, EventType
from profilecore.identifiers import new_id
from profilecore.image import FILES, Image
from profilecore.images import COLLECT, HOLD
from profilecore.profile import IMAGES_MAX, Profile
from profilecore.testing.samples import write
from tests.unit.core.studio import NOW, Studio, added, assert_released, rendering


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a hold."""
    monkeypatch.setattr(images, "_PAUSES", (0.01, 0.01))


# Adding


async def test_an_image_is_stored_and_then_used(studio: Studio) -> None:
    profile = await studio.person()
    outcome = await studio.images.add(profile.id, studio.upload(), actor="me")
    made = rendering(b"one")
    assert outcome.image == Image.of(made, at=NOW)
    assert outcome.written is not None
    assert outcome.written.profile == await studio.stored(profile)
    assert (outcome.written.profile.version, outcome.written.profile.images) == (
        2,
        (outcome.image,),
    )
    for file, key in outcome.image.keys.items():
        assert await studio.blobs.get(key) == made.files[file]
    event = (await studio.process.log.history(profile.id, None, 1))[0]
    assert (event.type, event.actor) == (EventType.UPDATED, "me")
    assert event.data["images"] == [outcome.image.id]
    assert len(studio.holds.held) == 1
    assert_released(studio)


async def test_the_newest_is_the_last(studio: Studio) -> None:
    profile = await studio.person()
    first, second = await added(studio, profile, b"one"), await added(studio, profile, b"two")
    assert (await studio.stored(profile)).images == (first, second)


async def test_the_same_picture_again_is_the_same_image(studio: Studio) -> None:
    profile = await studio.person()
    first = await added(studio, profile)
    studio.at += timedelta(days=1)
    again = await studio.images.add(profile.id, studio.upload(), actor=None)
    assert (again.image, again.written) == (first, None)
    assert (await studio.stored(profile)).version == 2
    assert len(studio.holds.held) == 1, "nothing was stored again"


async def test_somebody_else_gives_it_the_same_image_meanwhile(studio: Studio) -> None:
    profile = await studio.person()

    async def faster() -> None:
        studio.imager.before = None
        await added(studio, profile)

    studio.imager.before = faster
    outcome = await studio.images.add(profile.id, studio.upload(), actor=None)
    assert (outcome.written, (await studio.stored(profile)).version) == (None, 2)

    async def faster_still() -> None:
        studio.profiles.before_write = None
        await added(studio, profile, b"two")

    studio.profiles.before_write = faster_still
    outcome = await studio.images.add(profile.id, studio.upload(b"two"), actor=None)
    assert (outcome.written, (await studio.stored(profile)).version) == (None, 3)
    assert outcome.image == (await studio.stored(profile)).images[-1]
    assert_released(studio)


async def test_a_change_meanwhile_is_kept(studio: Studio) -> None:
    profile = await studio.person()

    async def renamed() -> None:
        studio.profiles.before_write = None
        values = {"name": "Bob"}
        await studio.process.service.update(profile.id, values, expected=None, actor=None)

    studio.profiles.before_write = renamed
    image = await added(studio, profile)
    stored = await studio.stored(profile)
    assert (stored.name, stored.images, stored.version) == ("Bob", (image,), 3)


async def test_a_copy_that_is_old_says_neither_yes_nor_no(studio: Studio) -> None:
    """Somebody removed the image past this process, whose cache has not heard of it."""
    profile = await studio.person()
    image = await added(studio, profile)
    copy = await studio.stored(profile)
    await write(studio.profiles, _without(copy, image))
    await studio.process.cache.put(copy)
    outcome = await studio.images.add(profile.id, studio.upload(), actor=None)
    assert outcome.written is not None, "it is not there, whatever the copy says"
    assert [i.id for i in (await studio.stored(profile)).images] == [image.id]


async def test_a_copy_that_is_old_refuses_no_removal(studio: Studio) -> None:
    profile = await studio.person()
    before = await studio.stored(profile)
    image = await added(studio, profile)
    studio.process.cache._copies[profile.id] = before  # as in a process that has not heard of it
    await studio.images.remove(profile.id, image.id, expected=None, actor=None)
    assert (await studio.stored(profile)).images == ()


def _without(profile: Profile, image: Image) -> Change:
    after = profile.without_image(image.id, at=NOW)
    return Change(EventType.UPDATED, after, profile.version)


async def test_a_profile_that_is_not_there_gets_none(studio: Studio) -> None:
    with pytest.raises(NotFound):
        await studio.images.add(new_id(), studio.upload(), actor=None)
    assert await studio.keys() == set()


@pytest.mark.parametrize("moment", ["while it is made", "while it is stored"])
async def test_a_profile_that_is_deleted_meanwhile_gets_none(studio: Studio, moment: str) -> None:
    profile = await studio.person()

    async def deleted() -> None:
        studio.imager.before = studio.profiles.before_write = None
        await studio.process.service.remove(profile.id, expected=None, actor=None)

    if moment == "while it is made":
        studio.imager.before = deleted
    else:
        studio.profiles.before_write = deleted
    with pytest.raises(NotFound):
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert (await studio.stored(profile)).images == ()
    assert_released(studio)


async def test_too_many_are_refused_before_anything_is_stored(studio: Studio) -> None:
    profile = await studio.person()
    for number in range(IMAGES_MAX):
        await added(studio, profile, str(number).encode())
    keys = await studio.keys()
    with pytest.raises(Conflict, match="32 images") as refused:
        await studio.images.add(profile.id, studio.upload(b"more"), actor=None)
    assert refused.value.code == "too_many_images"
    assert await studio.keys() == keys
    assert len(studio.holds.held) == IMAGES_MAX
    again = await studio.images.add(profile.id, studio.upload(b"5"), actor=None)
    assert again.written is None, "one that it has is none more"


async def test_what_cannot_be_made_changes_nothing(studio: Studio) -> None:
    profile = await studio.person()
    studio.imager.error = Invalid("It is broken.", code="broken_image")
    with pytest.raises(Invalid):
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert (studio.holds.held, await studio.keys()) == ([], set())


@pytest.mark.parametrize("number", range(len(FILES)))
async def test_where_a_file_cannot_be_stored_it_is_not_used(studio: Studio, number: int) -> None:
    profile = await studio.person()
    file = FILES[number]
    studio.blobs.down = lambda key: key.endswith(f"{file.size}.{file.format}")
    with pytest.raises(Unavailable):
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert await studio.stored(profile) == profile
    assert_released(studio)
    studio.blobs.down = lambda _: False
    await added(studio, profile)
    assert len(await studio.keys()) == len(FILES)


async def test_a_hold_is_waited_for_while_the_files_are_being_removed(studio: Studio) -> None:
    profile = await studio.person()
    studio.holds.refusals = 2
    image = await added(studio, profile)
    assert (await studio.stored(profile)).images == (image,)


async def test_a_hold_that_is_never_given_is_told(studio: Studio, hurried: None) -> None:
    profile = await studio.person()
    studio.holds.refusals = 3
    with pytest.raises(Unavailable) as refused:
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert refused.value.code == "being_removed"
    assert (await studio.keys(), studio.holds.released) == (set(), [])
    await added(studio, profile)


async def test_a_store_that_is_away_is_not_waited_for(studio: Studio) -> None:
    profile = await studio.person()
    studio.holds.refusals, studio.holds.refused_as = 1, "unavailable"
    with pytest.raises(Unavailable):
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert studio.holds.refusals == 0


async def test_a_hold_that_cannot_be_released_ends_by_itself(studio: Studio) -> None:
    profile = await studio.person()
    studio.holds.keeps = True
    image = await added(studio, profile)
    await studio.images.remove(profile.id, image.id, expected=None, actor=None)
    assert await studio.collector.collect([image.id]) == []
    studio.at += HOLD
    assert await studio.collector.collect([image.id]) == [image.id]


@pytest.mark.parametrize("moment", ["put", "write"])
async def test_a_caller_that_is_cancelled_holds_nothing(studio: Studio, moment: str) -> None:
    profile, reached = await studio.person(), asyncio.Event()

    async def stands_still() -> None:
        reached.set()
        await asyncio.Event().wait()

    if moment == "put":
        studio.blobs.put = lambda *_: stands_still()  # type: ignore[method-assign]
    else:
        studio.profiles.before_write = stands_still
    work = asyncio.create_task(studio.images.add(profile.id, studio.upload(), actor=None))
    await reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert len(studio.holds.held) == 1
    assert_released(studio)


async def test_files_that_go_meanwhile_are_not_used(studio: Studio) -> None:
    """The hold has ended before the commit, and somebody has removed what was stored."""
    profile = await studio.person()

    async def removed() -> None:
        studio.profiles.before_write = None
        studio.at += HOLD
        await studio.collector.collect([rendering(b"one").id])

    studio.profiles.before_write = removed
    with pytest.raises(Conflict) as refused:
        await studio.images.add(profile.id, studio.upload(), actor=None)
    assert refused.value.code == "image_gone"
    assert (await studio.stored(profile)).images == ()
    await added(studio, profile)
    assert len(await studio.keys()) == len(FILES)


# Taking away


async def test_the_removal_orders_the_collection_with_the_change(studio: Studio) -> None:
    profile = await studio.person()
    first, second = await added(studio, profile, b"one"), await added(studio, profile, b"two")
    assert await studio.ordered() == []
    written = await studio.images.remove(profile.id, first.id, expected=3, actor="me")
    assert written.profile == await studio.stored(profile)
    assert (written.profile.version, written.profile.images) == (4, (second,))
    (task,) = await studio.ordered()
    assert (task.type, task.payload) == (COLLECT, {"image_ids": [first.id]})
    assert studio.announced == 1
    assert await studio.blobs.get(first.keys[FILES[0]]) is not None, "by the task, and not before"


async def test_what_is_refused_orders_nothing(studio: Studio) -> None:
    profile = await studio.person()
    image = await added(studio, profile)
    for image_id, expected, error in (
        (rendering(b"none").id, None, NotFound),
        (image.id, 1, Conflict),
    ):
        with pytest.raises(error):
            await studio.images.remove(profile.id, image_id, expected=expected, actor=None)
    with pytest.raises(NotFound):
        await studio.images.remove(new_id(), image.id, expected=None, actor=None)
    assert (await studio.ordered(), studio.announced) == ([], 0)
    assert (await studio.stored(profile)).images == (image,)
