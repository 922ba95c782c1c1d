"""Removing the files that nobody uses, and no others."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from profilecore import images
from profilecore.adapters.memory import MemoryBlobs
from profilecore.errors import Unavailable
from profilecore.image import FILES, Image, key_of
from profilecore.images import AT_ONCE, COLLECT, CONDEMNED, ORPHAN_AFTER, PURGE, collecting
from profilecore.testing.blobs import image as id_of
from tests.unit.core.studio import Studio, rendering

MOMENT = timedelta(microseconds=1)


async def used(studio: Studio, data: bytes = b"one", email: str = "ada@example.com") -> Image:
    profile = await studio.person(email)
    return (await studio.images.add(profile.id, studio.upload(data), actor=None)).image


async def left(studio: Studio, number: int, files: int = len(FILES)) -> str:
    """The id of an image that has so many files, and that nobody uses."""
    for file in FILES[:files]:
        await studio.blobs.put(key_of(id_of(number), file), b"data")
    return id_of(number)


async def orphans(studio: Studio) -> list[str]:
    pages = [page async for page in studio.collector.orphans()]
    assert all(pages), "nobody is asked to look at nothing"
    return [image_id for page in pages for image_id in page]


# Collecting


async def test_what_nobody_uses_is_removed_and_nothing_else(studio: Studio) -> None:
    image, other = await used(studio), await used(studio, b"two", "bob@example.com")
    unused = [await left(studio, 1), await left(studio, 2)]
    kept = set(image.keys.values()) | set(other.keys.values())
    assert await studio.collector.collect([image.id, *unused, other.id]) == sorted(unused)
    assert await studio.keys() == kept
    assert (await studio.ordered(), studio.announced) == ([], 0), "no cache is in front"
    assert await studio.collector.collect(unused) == sorted(unused), "it may be repeated"


async def test_what_is_held_stays(studio: Studio) -> None:
    image_id = await left(studio, 1)
    await studio.holds.hold(image_id, "somebody", timedelta(minutes=1))
    assert await studio.collector.collect([image_id]) == []
    assert len(await studio.keys()) == len(FILES)


async def test_while_one_profile_uses_an_image_its_files_stay(studio: Studio) -> None:
    image = await used(studio)
    assert await used(studio, email="bob@example.com") == image
    for profile in list(studio.store.rows.values()):
        assert await studio.collector.collect([image.id]) == []
        await studio.images.remove(profile.id, image.id, expected=None, actor=None)
    assert await studio.collector.collect([image.id]) == [image.id]
    assert await studio.keys() == set()


async def test_a_deleted_profile_still_uses_its_images(studio: Studio) -> None:
    image = await used(studio)
    (profile,) = studio.store.rows.values()
    await studio.process.service.remove(profile.id, expected=None, actor=None)
    assert await studio.collector.collect([image.id]) == []
    await studio.process.service.restore(profile.id, expected=None, actor=None)
    assert await studio.blobs.get(image.keys[FILES[0]]) is not None


async def test_caches_are_told_by_a_task_for_each(tmp_path: Path) -> None:
    studio = Studio(tmp_path, purges=True)
    ids = sorted([await left(studio, 1), await left(studio, 2)])
    await studio.collector.collect(ids)
    assert [(task.type, task.payload) for task in await studio.ordered()] == [
        (PURGE, {"image_id": image_id}) for image_id in ids
    ]
    assert studio.announced == 1
    await studio.collector.collect([])
    assert (len(await studio.ordered()), studio.announced) == (2, 1)


async def test_a_store_that_fails_on_the_way_leaves_it_condemned(studio: Studio) -> None:
    """Nobody can use what is half removed; another can go on once the lease has ended."""
    image_id = await left(studio, 1)
    studio.blobs.down = lambda key: key.endswith("large.jpg")
    with pytest.raises(Unavailable):
        await studio.collector.collect([image_id])
    studio.blobs.down = lambda _: False
    assert 0 < len(await studio.keys()) < len(FILES)
    with pytest.raises(Unavailable) as refused:
        await studio.holds.hold(image_id, "somebody", timedelta(minutes=1))
    assert refused.value.code == "being_removed"
    studio.at += CONDEMNED
    assert await studio.collector.collect([image_id]) == [image_id]
    assert await studio.keys() == set()


async def test_a_removal_that_takes_too_long_is_given_up(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before somebody else may store one of them again."""
    monkeypatch.setattr(images, "CONDEMNED", timedelta(milliseconds=40))
    image_id = await left(studio, 1)
    studio.blobs.deleting = asyncio.Event()
    with pytest.raises(Unavailable, match="could not be removed in time") as raised:
        await studio.collector.collect([image_id])
    assert isinstance(raised.value.__cause__, TimeoutError)
    assert len(await studio.keys()) == len(FILES)


def test_many_are_collected_by_several_tasks() -> None:
    ids = [id_of(number) for number in range(2 * AT_ONCE + 1)]
    orders = collecting(ids)
    assert {order.type for order in orders} == {COLLECT}
    given = [order.payload["image_ids"] for order in orders]
    assert [len(some) for some in given] == [AT_ONCE, AT_ONCE, 1]
    assert [image_id for some in given for image_id in some] == ids
    assert collecting([]) == []


# Finding orphans


async def test_orphans_are_those_that_nobody_uses_or_holds(studio: Studio) -> None:
    await used(studio)
    unused, held = await left(studio, 1), await left(studio, 2)
    partial = await left(studio, 3, files=1)
    studio.at += ORPHAN_AFTER
    await studio.holds.hold(held, "somebody", timedelta(minutes=1))
    before = await studio.keys()
    assert sorted(await orphans(studio)) == sorted([unused, partial])
    assert await studio.keys() == before, "a look changes nothing"


async def test_where_there_are_none_none_are_found(studio: Studio) -> None:
    assert await orphans(studio) == []
    await used(studio)
    studio.at += ORPHAN_AFTER
    assert await orphans(studio) == []


async def test_what_was_stored_just_now_is_on_its_way(studio: Studio) -> None:
    image_id = await left(studio, 1)
    studio.at += ORPHAN_AFTER - MOMENT
    assert await orphans(studio) == []
    studio.at += MOMENT
    assert await orphans(studio) == [image_id]


@pytest.mark.parametrize("file", [FILES[0], FILES[-1]])
async def test_one_new_file_makes_all_of_them_new(studio: Studio, file: tuple[str, str]) -> None:
    image_id = await left(studio, 1)
    studio.at += ORPHAN_AFTER
    await studio.blobs.put(f"{image_id[:2]}/{image_id}/{file[0]}.{file[1]}", b"data")
    assert await orphans(studio) == []


@pytest.mark.parametrize("page", [1, 2, 4, 5, 7, len(FILES), 2 * len(FILES)])
async def test_each_is_found_once_however_its_files_are_paged(studio: Studio, page: int) -> None:
    studio.blobs.page = page
    ids = [await left(studio, number) for number in range(9)]
    ids += [await left(studio, 10, files=1), await left(studio, 11, files=4)]
    studio.at += ORPHAN_AFTER
    assert await orphans(studio) == sorted(ids)


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
async def test_an_image_whose_newest_file_is_on_another_page_is_not_old(
    studio: Studio, page: int
) -> None:
    studio.blobs.page = page
    ids = [await left(studio, number) for number in range(4)]
    studio.at += ORPHAN_AFTER
    first, *others = sorted(ids)
    keys = sorted(key_of(first, file) for file in FILES)
    await studio.blobs.put(keys[0], b"data")
    assert await orphans(studio) == others
    await MemoryBlobs.delete(studio.blobs, keys[:1])
    await studio.blobs.put(keys[-1], b"data")
    assert await orphans(studio) == others


async def test_what_is_collected_page_by_page_is_all_gone(studio: Studio) -> None:
    studio.blobs.page = 4
    image = await used(studio)
    ids = [await left(studio, number) for number in range(9)]
    studio.at += ORPHAN_AFTER
    removed: list[str] = []
    async for page in studio.collector.orphans():
        removed += await studio.collector.collect(page)
    assert sorted(removed) == sorted(ids)
    assert await studio.keys() == set(image.keys.values())


async def test_what_is_uploaded_while_orphans_are_looked_for_stays(studio: Studio) -> None:
    """It was an orphan when it was found, and is used when its turn comes."""
    profile = await studio.person()
    made = rendering(b"one")
    for file in FILES:
        await studio.blobs.put(key_of(made.id, file), made.files[file])
    studio.at += ORPHAN_AFTER
    (found,) = await orphans(studio)
    await studio.images.add(profile.id, studio.upload(), actor=None)
    assert await studio.collector.collect([found]) == []
    assert len(await studio.keys()) == len(FILES)
