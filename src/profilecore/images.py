"""The use cases of pictures: adding one, removing one, and removing files that nobody uses."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from profilecore.errors import Conflict, NotFound, Unavailable
from profilecore.event import Change, EventType
from profilecore.identifiers import new_id
from profilecore.image import FILES, File, Format, Image, Rendering, Size, image_of, key_of
from profilecore.order import Order
from profilecore.ports import Blobs, Holds, Imager, Tasks
from profilecore.profile import Profile
from profilecore.receipt import Receipt, Repeated
from profilecore.refusals import Expected, living
from profilecore.service import ProfileService, now
from profilecore.written import Written, given

COLLECT: Final = "images.collect"
PURGE: Final = "images.purge"
HOLD: Final = timedelta(minutes=10)
"""Far longer than it takes from here to the commit, even where every wait takes its bound."""
CONDEMNED: Final = timedelta(minutes=1)
ORPHAN_AFTER: Final = timedelta(hours=1)
AT_ONCE: Final = 100
ATTEMPTS: Final = 20
"""Enough to outlast the lease of one who was killed, and a cache that is away for an hour."""
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True, slots=True)
class Added:
    """An image that a profile has; `written` is None where it had it before."""

    image: Image
    written: Written | None


class _HasItError(Conflict):
    """Somebody else has given the profile the same image in between."""

    def __init__(self, image: Image) -> None:
        super().__init__("The profile has this image.")
        self.image = image


class ImageService:
    """Give a profile a picture, and take it away.

    An image and its files come in this order: held, stored, used; and go so: not used, condemned,
    removed. So that a row never names files that are not there, wherever a process is killed.
    `announce` is called when a task may be due at once.
    """

    def __init__(
        self,
        service: ProfileService,
        imager: Imager,
        blobs: Blobs,
        holds: Holds,
        *,
        announce: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._service = service
        self._imager = imager
        self._blobs = blobs
        self._holds = holds
        self._announce = announce
        self._clock = clock

    def on(self, service: ProfileService) -> Self:
        """The same on another view of the profiles, such as of those of one owner."""
        view = copy(self)
        view._service = service
        return view

    async def add(
        self, profile_id: UUID, upload: Path, *, actor: str | None, receipt: Receipt | None = None
    ) -> Added:
        """Make variants of an upload and give them to a profile, the newest last.

        The same picture again is the same image. Raises NotFound, Conflict `too_many_images`, and
        Invalid as the Imager does. What is `written` with a receipt is so once.
        """
        if receipt is None:
            return await self._add(profile_id, upload, actor, None)
        once = self._service.once
        try:
            await once.must_be_new(receipt)  # to look costs far less than to make variants
            added = await once.unless_repeated(
                receipt, self._add(profile_id, upload, actor, receipt)
            )
            if added.written is None:  # it may have it by this very request
                await once.must_be_new(receipt)
        except Repeated as repeated:
            (outcome,) = await once.recalled(repeated, receipt)
            written = given(outcome)
            return Added(written.profile.image(repeated.kept.note), written)
        return added

    async def must_be_there(self, profile_id: UUID, receipt: Receipt | None) -> None:
        """Raise NotFound where there is no such profile, nor anything to tell of it again."""
        if not await self._service.once.was_written(receipt):
            await self._service.read(profile_id)

    async def _add(
        self, profile_id: UUID, upload: Path, actor: str | None, receipt: Receipt | None
    ) -> Added:
        at = self._clock()
        rendering = await self._imager.render(upload)
        image = Image.of(rendering, at=at)
        # From the store: what a copy has may have been removed, and then it would not be there.
        profile = living(await self._service.stored([profile_id]), profile_id)
        there = _find(profile, image.id)
        if there is not None:
            return Added(there, None)
        profile.with_image(image, at=at)  # refused before anything is stored, where it will be

        noted = receipt and receipt.noting(image.id)

        def change(profile: Profile) -> Change:
            twin = _find(profile, image.id)
            if twin is not None:
                raise _HasItError(twin)
            after = profile.with_image(image, at=self._clock())
            return Change(EventType.UPDATED, after, profile.version, actor)

        try:
            async with self._stored(image, rendering):
                return Added(image, await self._service.rewrite(profile_id, change, None, noted))
        except _HasItError as had:
            return Added(had.image, None)

    async def remove(
        self, profile_id: UUID, image_id: str, *, expected: Expected, actor: str | None
    ) -> Written:
        """Take an image from a profile, and have its files removed if nobody else uses them."""

        def change(profile: Profile) -> Change:
            after = profile.without_image(image_id, at=self._clock())
            orders = tuple(collecting([image_id]))
            return Change(EventType.UPDATED, after, profile.version, actor, orders=orders)

        written = await self._service.rewrite(profile_id, change, expected)
        self._announce()
        return written

    async def renew(self, profile: Profile, folder: Path) -> int:
        """Make the smaller variants of its images anew, from the large ones; give how many changed.

        What was uploaded is not kept, so that the large one stays as it is. May be repeated.
        """
        return sum([await self._renewed(profile.id, image, folder) for image in profile.images])

    async def _renewed(self, profile_id: UUID, image: Image, folder: Path) -> bool:
        large = [file for file in FILES if file.size is Size.LARGE]
        files = {file: await self._blobs.get(image.keys[file]) for file in large}
        kept = {file: data for file, data in files.items() if data is not None}
        if len(kept) != len(large):
            return False  # it was deleted meanwhile
        path = folder / image.id
        await asyncio.to_thread(path.write_bytes, kept[File(Size.LARGE, Format.WEBP)])
        made = await self._imager.render(path)
        rendering = replace(made, files={**made.files, **kept})
        renewed = Image.of(rendering, at=image.created_at)
        if renewed.id == image.id:
            return False
        async with self._stored(renewed, rendering):
            await self._replace(profile_id, image, renewed)
        return True

    async def _replace(self, profile_id: UUID, old: Image, new: Image) -> None:
        orders = tuple(collecting([old.id]))

        def change(profile: Profile) -> Change:
            after = profile.with_image_instead(old.id, new, at=self._clock())
            return Change(EventType.UPDATED, after, profile.version, orders=orders)

        with suppress(NotFound):  # it was deleted meanwhile
            await self._service.rewrite(profile_id, change, None)

    @asynccontextmanager
    async def _stored(self, image: Image, rendering: Rendering) -> AsyncIterator[None]:
        """Its files are there, and stay at least until the block ends."""
        holder = str(new_id())
        await self._hold(image.id, holder)
        try:
            keys = image.keys.items()
            await asyncio.gather(*(self._blobs.put(key, rendering.files[f]) for f, key in keys))
            yield
        finally:
            with suppress(Unavailable):  # it ends by itself
                await self._holds.release(image.id, holder)

    async def _hold(self, image_id: str, holder: str) -> None:
        for pause in (*_PAUSES, None):
            try:
                return await self._holds.hold(image_id, holder, HOLD)
            except Unavailable as error:
                if error.code != "being_removed" or pause is None:
                    raise
                await asyncio.sleep(pause)
        return None


class Collector:
    """Removes the files of images that nobody uses.

    With `purges` a task is ordered for each, which has caches in front of this service forget it.
    """

    def __init__(
        self,
        blobs: Blobs,
        holds: Holds,
        tasks: Tasks,
        *,
        purges: bool,
        announce: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._blobs = blobs
        self._holds = holds
        self._tasks = tasks
        self._purges = purges
        self._announce = announce
        self._clock = clock

    async def collect(self, image_ids: Collection[str]) -> Sequence[str]:
        """Remove those that nobody uses or holds; give which. May be repeated."""
        condemned = sorted(await self._holds.condemn(image_ids, CONDEMNED))
        try:
            async with asyncio.timeout(CONDEMNED.total_seconds() / 2):
                await self._blobs.delete([key_of(i, file) for i in condemned for file in FILES])
        except TimeoutError as error:  # far from when somebody may store one of them again
            raise Unavailable("The files could not be removed in time.") from error
        if self._purges and condemned:
            payloads = ({"image_id": image_id} for image_id in condemned)
            orders = [Order(type=PURGE, payload=p, max_attempts=ATTEMPTS) for p in payloads]
            await self._tasks.add(orders)
            self._announce()
        await self._holds.forget(condemned)
        return condemned

    async def orphans(self) -> AsyncIterator[Sequence[str]]:
        """Images that have files and nobody uses, some at a time.

        Such as those of a profile that was purged, or of an upload whose process was killed. What
        was stored within `ORPHAN_AFTER` may still be on its way to its row.
        """
        before = self._clock() - ORPHAN_AFTER
        newest: defaultdict[str, datetime] = defaultdict(lambda: before)
        after = ""
        while found := await self._blobs.list(after, 1_000):
            for stored in found:
                image_id = image_of(stored.key)
                if image_id is not None:
                    newest[image_id] = max(newest[image_id], stored.modified)
            after = found[-1].key
            # The last one may have more files on the next page.
            last = image_of(after)
            old = [i for i, modified in newest.items() if modified <= before and i != last]
            if unused := await self._holds.unused(old):
                yield sorted(unused)
            newest = defaultdict(lambda: before, {i: t for i, t in newest.items() if i == last})
        rest = [i for i, modified in newest.items() if modified <= before]
        if unused := await self._holds.unused(rest):
            yield sorted(unused)


def collecting(image_ids: Sequence[str]) -> list[Order]:
    """The tasks that remove the files of images, if nobody uses them."""
    groups = [list(image_ids[n : n + AT_ONCE]) for n in range(0, len(image_ids), AT_ONCE)]
    return [
        Order(type=COLLECT, payload={"image_ids": ids}, max_attempts=ATTEMPTS) for ids in groups
    ]


def _find(profile: Profile, image_id: str) -> Image | None:
    return next((image for image in profile.images if image.id == image_id), None)
