"""The tasks that have to do with images, on adapters in memory."""

from collections.abc import Mapping
from typing import Any

import pytest

from profilecore.errors import Invalid, Unavailable
from profilecore.identifiers import new_id
from profilecore.image import FILES, Image
from profilecore.images import AT_ONCE, COLLECT
from profilecore.profile import Profile
from profilecore.tasks import Attempt, Context, Handlers
from profilecore.tasks.builtin import builtin
from profilecore.testing.blobs import image as id_of
from tests.unit.core.studio import Studio


@pytest.fixture
def handlers(studio: Studio) -> Handlers:
    process = studio.process
    return Handlers(builtin(process.export, process.erasure(), studio.collector))


async def run(handlers: Handlers, type_: str, payload: Mapping[str, Any]) -> Any:
    handlers.check(type_, payload)
    return await handlers[type_].run(Context(Attempt(new_id(), 1, 5), type_), payload)


async def pictured(studio: Studio, *pictures: bytes) -> tuple[Profile, list[Image]]:
    profile = await studio.person()
    images = [
        (await studio.images.add(profile.id, studio.upload(data), actor=None)).image
        for data in pictures
    ]
    return await studio.stored(profile), images


async def run_all(studio: Studio, handlers: Handlers) -> list[Any]:
    """What was ordered."""
    return [await run(handlers, task.type, task.payload) for task in await studio.ordered()]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "image_ids"),
        ({"image_ids": None}, "image_ids"),
        ({"image_ids": id_of(1)}, "image_ids"),
        ({"image_ids": {}}, "image_ids"),
        ({"image_ids": []}, "image_ids"),
        ({"image_ids": [id_of(n) for n in range(AT_ONCE + 1)]}, "image_ids"),
        ({"image_ids": [id_of(1), 7]}, "image_ids"),
        ({"image_ids": [id_of(1), None]}, "image_ids"),
        ({"image_ids": [id_of(1)[:-1]]}, "image_ids"),
        ({"image_ids": [id_of(1).upper()]}, "image_ids"),
        ({"image_ids": [id_of(1) + "\n"]}, "image_ids"),
        ({"image_ids": ["../" * 21 + "x"]}, "image_ids"),
        ({"image_ids": [id_of(1)], "why": "x"}, "why"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_payload_that_names_no_images_is_refused(
    handlers: Handlers, payload: Mapping[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        handlers.check(COLLECT, payload)
    assert [error.field for error in raised.value.errors] == [f"payload.{field}"]


async def test_a_collection_says_what_it_removed(studio: Studio, handlers: Handlers) -> None:
    _, (image,) = await pictured(studio, b"one")
    ids = [id_of(n) for n in range(AT_ONCE - 1)]
    found = await run(handlers, COLLECT, {"image_ids": [*ids, image.id]})
    assert found == {"removed": sorted(ids)}
    assert len(await studio.keys()) == len(FILES)


async def test_the_removal_of_an_image_ends_with_its_files(
    studio: Studio, handlers: Handlers
) -> None:
    profile, (first, second) = await pictured(studio, b"one", b"two")
    await studio.images.remove(profile.id, first.id, expected=None, actor=None)
    assert await run_all(studio, handlers) == [{"removed": [first.id]}]
    assert await studio.keys() == set(second.keys.values())


@pytest.mark.parametrize("alive", [True, False])
async def test_an_erasure_takes_the_images_along(
    studio: Studio, handlers: Handlers, alive: bool
) -> None:
    profile, images = await pictured(studio, b"one", b"two")
    if not alive:
        await studio.process.service.remove(profile.id, expected=None, actor=None)
    await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert await studio.profiles.get([profile.id]) == {}
    (task,) = await studio.ordered()
    assert (task.type, task.payload) == (COLLECT, {"image_ids": [i.id for i in images]})
    assert await run_all(studio, handlers) == [{"removed": sorted(i.id for i in images)}]
    assert await studio.keys() == set()
    for event in await studio.process.log.history(profile.id, None, 10):
        assert event.data == {}


async def test_an_erasure_that_was_interrupted_orders_the_collection_once(
    studio: Studio, handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died when the profile was bare, and its row not gone yet."""
    profile, _ = await pictured(studio, b"one")

    async def dies(_: object) -> int:
        raise Unavailable("It is down.")

    payload = {"profile_id": str(profile.id)}
    with monkeypatch.context() as patched:
        patched.setattr(studio.profiles, "erase", dies)
        with pytest.raises(Unavailable):
            await run(handlers, "profile.erase", payload)
    await run(handlers, "profile.erase", payload)
    assert [task.type for task in await studio.ordered()] == [COLLECT]
    await run_all(studio, handlers)
    assert await studio.keys() == set()


async def test_an_erasure_leaves_the_image_that_another_has_too(
    studio: Studio, handlers: Handlers
) -> None:
    profile, (image,) = await pictured(studio, b"one")
    other = await studio.person("bob@example.com")
    await studio.images.add(other.id, studio.upload(b"one"), actor=None)
    await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert await run_all(studio, handlers) == [{"removed": []}]
    assert await studio.keys() == set(image.keys.values())


async def test_an_erasure_of_one_without_images_orders_nothing(
    studio: Studio, handlers: Handlers
) -> None:
    profile = await studio.person()
    await run(handlers, "profile.erase", {"profile_id": str(profile.id)})
    assert await studio.ordered() == []
