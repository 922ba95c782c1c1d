"""What every adapter of the Blobs port does."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from profilecore.errors import Invalid
from profilecore.image import FILES, File, Format, Size, key_of
from profilecore.ports import Blobs, Stored
from profilecore.testing.places import BlobsPlace, Traits

HOSTILE = (
    *("", ".", "..", "/", "\0", "#1", " ", "*", "~"),
    *("../secret", "ab/../../secret", "..\\secret", "%2e%2e/secret", "..%2fsecret"),
    *("/etc/passwd", "C:\\secret", "\\\\host\\secret", "file:///etc/passwd"),
    *("ab", "ab/", "ab//thumb.webp", "secret", ".arriving/secret"),
    "\ud800/\udfff",
    "é/ü/😀.webp",
    "x" * 100_000,
    "a/" * 50_000,
)


def image(number: int) -> str:
    """The id of an image."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def key(number: int, file: File = FILES[0]) -> str:
    return key_of(image(number), file)


def hostile_keys() -> list[str]:
    """Those, and what is like a key of an image, and is none."""
    good = key(1)
    return [
        *HOSTILE,
        *(f"{good}\n", f"{good}\0", f"{good}#1", f"{good}/", f"/{good}", f"./{good}"),
        *(good.upper(), good.replace("/", "//"), good.replace("thumb", "huge"), f"{good}.webp"),
        good.replace("/", "\\"),
        f"{good[:2]}/../{good}",
        "00" + good[2:],
    ]


class BlobsContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def blobs(self, place: BlobsPlace) -> Blobs:
        return await place.open()

    async def all(self, blobs: Blobs) -> list[Stored]:
        return list(await blobs.list("", 10_000))

    # One blob

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 20_000], ids=len)
    async def test_what_was_put_is_given_back(self, blobs: Blobs, data: bytes) -> None:
        await blobs.put(key(1), data)
        assert await blobs.get(key(1)) == data
        assert await blobs.get(key(2)) is None
        (stored,) = await self.all(blobs)
        assert (stored.key, stored.size) == (key(1), len(data))

    @pytest.mark.parametrize("file", FILES)
    async def test_every_file_of_an_image_has_its_place(self, blobs: Blobs, file: File) -> None:
        await blobs.put(key(1, file), b"this")
        found = {other: await blobs.get(key(1, other)) for other in FILES}
        assert found == dict.fromkeys(FILES) | {file: b"this"}

    async def test_to_put_it_again_renews_it(self, blobs: Blobs, place: BlobsPlace) -> None:
        for other in range(3):
            await blobs.put(key(other), b"same")
        before = {stored.key: stored.modified for stored in await self.all(blobs)}
        await place.tick()
        await blobs.put(key(1), b"same")
        after = {stored.key: stored.modified for stored in await self.all(blobs)}
        assert after[key(1)] > before[key(1)]
        assert after == before | {key(1): after[key(1)]}
        assert await blobs.get(key(1)) == b"same"

    async def test_modified_is_about_now_and_has_its_zone(self, blobs: Blobs) -> None:
        await blobs.put(key(1), b"now")
        (stored,) = await self.all(blobs)
        assert stored.modified.tzinfo is not None
        assert abs(datetime.now(UTC) - stored.modified) < timedelta(minutes=1)

    # Removing

    async def test_what_was_deleted_is_gone(self, blobs: Blobs) -> None:
        keys = [key(1, file) for file in FILES]
        for each in (*keys, key(2)):
            await blobs.put(each, b"data")
        await blobs.delete(keys)
        assert [await blobs.get(each) for each in keys] == [None] * len(keys)
        assert [stored.key for stored in await self.all(blobs)] == [key(2)]

    async def test_what_is_not_there_is_passed_over(self, blobs: Blobs) -> None:
        await blobs.put(key(5), b"data")
        await blobs.delete([])
        await blobs.delete([key(n) for n in range(40)])
        await blobs.delete([key(n) for n in range(40)])
        assert await self.all(blobs) == []

    async def test_it_can_be_put_again(self, blobs: Blobs) -> None:
        for _ in range(3):
            await blobs.put(key(1), b"data")
            assert await blobs.get(key(1)) == b"data"
            await blobs.delete([key(1)])
            assert await blobs.get(key(1)) is None

    # Listing

    async def test_an_empty_place_lists_nothing(self, blobs: Blobs) -> None:
        assert list(await blobs.list("", 10)) == []
        assert list(await blobs.list(key(1), 10)) == []

    async def test_a_list_is_in_the_order_of_keys(self, blobs: Blobs) -> None:
        keys = [key(n, file) for n in range(12) for file in FILES]
        await asyncio.gather(*(blobs.put(each, each.encode()) for each in reversed(keys)))
        assert [stored.key for stored in await self.all(blobs)] == sorted(keys)

    @pytest.mark.parametrize("limit", [1, 7, 1_000])
    async def test_pages_have_all_of_it_once(self, blobs: Blobs, limit: int) -> None:
        keys = sorted(key(n, file) for n in range(5) for file in FILES[:4])
        for each in keys:
            await blobs.put(each, b"data")
        found: list[str] = []
        while page := await blobs.list(found[-1] if found else "", limit):
            assert len(page) <= limit
            found += [stored.key for stored in page]
        assert found == keys

    async def test_a_list_goes_on_after_what_is_not_there(self, blobs: Blobs) -> None:
        keys = sorted(key(n) for n in range(6))
        for each in (keys[0], keys[5]):
            await blobs.put(each, b"data")
        after = [keys[3], "zz", "", "..", "\0", "é", keys[0][:-1], keys[0] + "x", keys[5][:2]]
        for place in after:
            listed = [stored.key for stored in await blobs.list(place, 10)]
            assert listed == [k for k in (keys[0], keys[5]) if k > place], place
        assert list(await blobs.list("", 0)) == []

    # Who else is there

    @pytest.mark.parametrize("name", ["notes.txt", "ab/notes.txt", "ab/ab/thumb.webp", "ab/cd/e/f"])
    async def test_what_is_no_image_is_left_alone(
        self, blobs: Blobs, place: BlobsPlace, name: str
    ) -> None:
        await place.plant(name)
        await blobs.put(key(1), b"data")
        assert [stored.key for stored in await self.all(blobs)] == [key(1)]
        assert await blobs.get(name) is None
        await blobs.delete([name])
        await place.plant(f"{name}.2")
        assert [stored.key for stored in await blobs.list("", 1)] == [key(1)]

    async def test_no_other_key_is_ever_used(self, blobs: Blobs) -> None:
        await blobs.put(key(1), b"data")
        for hostile in hostile_keys():
            with pytest.raises(Invalid):
                await blobs.put(hostile, b"evil")
            assert await blobs.get(hostile) is None, hostile
        await blobs.delete(hostile_keys())
        assert await blobs.get(key(1)) == b"data"
        assert [stored.key for stored in await self.all(blobs)] == [key(1)]

    # Many at once

    async def test_many_at_once(self, blobs: Blobs) -> None:
        data = {key(n, file): f"{n}{file}".encode() * 1_000 for n in range(6) for file in FILES}
        await asyncio.gather(*(blobs.put(k, d) for k, d in data.items() for _ in range(2)))
        found = await asyncio.gather(*map(blobs.get, data))
        assert dict(zip(data, found, strict=True)) == data
        assert {stored.key: stored.size for stored in await self.all(blobs)} == {
            k: len(d) for k, d in data.items()
        }

    async def test_it_is_whole_or_not_there_whatever_goes_on(self, blobs: Blobs) -> None:
        """Also where the last file of its folder goes while another comes."""
        data = b"0123456789" * 10_000
        one, other = key(1), key(1, File(Size.LARGE, Format.JPEG))
        done = asyncio.Event()

        async def put_and_delete(name: str) -> None:
            for _ in range(8):
                await blobs.put(name, data)
                await blobs.delete([name])
            await blobs.put(name, data)

        async def look() -> None:
            while not done.is_set():
                await asyncio.sleep(0)
                assert await blobs.get(one) in (data, None)
                assert {stored.size for stored in await self.all(blobs)} <= {len(data)}

        looking = asyncio.create_task(look())
        await asyncio.gather(*(put_and_delete(name) for name in (one, other) for _ in range(2)))
        done.set()
        await looking
        await asyncio.gather(blobs.put(one, data), blobs.put(other, data))
        assert [stored.key for stored in await self.all(blobs)] == sorted([one, other])

    # Afterwards

    async def test_it_outlives_the_adapter_if_durable(
        self, blobs: Blobs, place: BlobsPlace
    ) -> None:
        await blobs.put(key(1), b"data")
        await place.close()
        again = await place.open()
        assert await again.get(key(1)) == (b"data" if self.traits.durable else None)
        assert len(await self.all(again)) == self.traits.durable

    async def test_another_adapter_on_the_place_has_the_same_if_shared(
        self, blobs: Blobs, place: BlobsPlace
    ) -> None:
        other = await place.open()
        await blobs.put(key(1), b"data")
        assert await other.get(key(1)) == (b"data" if self.traits.shared else None)
        await other.delete([key(1)])
        assert await blobs.get(key(1)) == (None if self.traits.shared else b"data")
