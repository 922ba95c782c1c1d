"""Making the smaller variants of images anew, on adapters in memory."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from profilecore.adapters.memory import MemoryBlobs
from profilecore.image import FILES, File, Format, Image, Size
from profilecore.profile import Profile
from tests.unit.core.studio import Studio, added, assert_released


async def renewed(studio: Studio, profile: Profile) -> int:
    studio.imager.edition = 2
    return await studio.images.renew(await studio.stored(profile), studio.folder)


async def test_the_smaller_ones_are_made_anew_of_the_large_one(studio: Studio) -> None:
    profile = await studio.person()
    old = [await added(studio, profile, data) for data in (b"one", b"two")]
    studio.at += timedelta(days=1)
    assert await renewed(studio, profile) == 2
    new = (await studio.stored(profile)).images
    assert [image.created_at for image in new] == [image.created_at for image in old]
    for before, after, source in zip(old, new, studio.imager.rendered[-2:], strict=True):
        assert source == await studio.blobs.get(before.keys[File(Size.LARGE, Format.WEBP)])
        for file in FILES:
            was, found = [await studio.blobs.get(i.keys[file]) for i in (before, after)]
            assert (found == was) == (file.size is Size.LARGE)
    assert [task.payload for task in await studio.ordered()] == [
        {"image_ids": [image.id]} for image in old
    ]
    assert_released(studio)
    version = (await studio.stored(profile)).version
    assert await renewed(studio, profile) == 0, "again changes nothing"
    assert (await studio.stored(profile)).version == version


async def _removed(studio: Studio, profile: Profile, image: Image) -> None:
    await studio.images.remove(profile.id, image.id, expected=None, actor=None)


async def _deleted(studio: Studio, profile: Profile, image: Image) -> None:
    await studio.process.service.remove(profile.id, expected=None, actor=None)


@pytest.mark.parametrize("end", [_removed, _deleted])
async def test_one_that_goes_meanwhile_stays_away(
    studio: Studio, end: Callable[[Studio, Profile, Image], Awaitable[None]]
) -> None:
    profile = await studio.person()
    image = await added(studio, profile)

    async def meanwhile() -> None:
        studio.imager.before = None
        await end(studio, profile, image)

    studio.imager.before = meanwhile
    await renewed(studio, profile)
    assert [i for i in (await studio.stored(profile)).images if i.id != image.id] == []
    assert_released(studio)


async def test_one_whose_files_are_gone_is_passed_over(studio: Studio) -> None:
    profile = await studio.person()
    image = await added(studio, profile)
    await MemoryBlobs.delete(studio.blobs, [image.keys[FILES[-1]]])
    assert await renewed(studio, profile) == 0
    assert (await studio.stored(profile)).images == (image,)
