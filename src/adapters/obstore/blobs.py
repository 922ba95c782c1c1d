"""The Blobs port on what obstore speaks to: S3 and what is like it, GCS, Azure."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

import obstore

from profilecore.adapters.obstore.errors import is_absent, translated
from profilecore.errors import Invalid
from profilecore.image import format_of, image_of
from profilecore.ports import Stored

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

IMMUTABLE: Final = "public, max-age=31536000, immutable"
CALL_MAX: Final = 15.0
"""Seconds for one call of the store, with all that is tried again within it."""
_AT_ONCE: Final = 16
_PAGE: Final = 1_000
_NOWHERE: Final = "ping"  # no blob is there, which takes a store that answers to find out


class ObstoreBlobs:
    """Blobs in a bucket, whose service keeps them durably and knows the order of their keys.

    `make` gives a store of obstore's, with bounds of its own. Each verb takes at most `call_max`
    seconds; `delete` that long for each 16 keys, `list` for each page that it reads.
    """

    def __init__(self, make: Callable[[], "ObjectStore"], *, call_max: float = CALL_MAX) -> None:
        self._make = make
        self._made: ObjectStore | None = None
        self._call_max = call_max

    async def open(self) -> None:
        """Raise Unavailable where there can be no such store; nothing is asked of it yet."""
        async with self._bounded():
            await self._store()

    async def ping(self) -> None:
        """Raise Unavailable where the store does not answer."""
        async with self._bounded():
            await self._get(_NOWHERE)

    async def put(self, key: str, data: bytes) -> None:
        if image_of(key) is None:
            raise Invalid(f"No image has the key {key[:100]!r}.")
        async with self._bounded():
            await self._put(key, data)

    async def get(self, key: str) -> bytes | None:
        if image_of(key) is None:
            return None
        async with self._bounded():
            return await self._get(key)

    async def delete(self, keys: Collection[str]) -> None:
        known = [key for key in keys if image_of(key) is not None]
        # One by one: of several, a store may stop at the first that is not there.
        for start in range(0, len(known), _AT_ONCE):
            some = known[start : start + _AT_ONCE]
            async with self._bounded():
                await asyncio.gather(*map(self._delete, some))

    async def list(self, after: str, limit: int) -> Sequence[Stored]:
        found: list[Stored] = []
        async with aclosing(self._pages(after)) as pages:
            while len(found) < limit:
                async with self._bounded():
                    page = await anext(pages, None)
                if page is None:
                    break
                found += _those(page, after)
        return found[:limit]

    async def _store(self) -> "ObjectStore":
        if self._made is None:
            self._made = await asyncio.to_thread(self._make)
        return self._made

    async def _get(self, key: str) -> bytes | None:
        try:
            found = await obstore.get_async(await self._store(), key)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            if is_absent(error):
                return None
            raise

    async def _put(self, key: str, data: bytes) -> None:
        """Whoever gets it from the bucket itself is told what this service would tell."""
        attributes = {"Content-Type": format_of(key).media_type, "Cache-Control": IMMUTABLE}
        await obstore.put_async(
            await self._store(), key, data, attributes=attributes, use_multipart=False
        )

    async def _delete(self, key: str) -> None:
        try:
            await obstore.delete_async(await self._store(), key)
        except FileNotFoundError as error:
            if not is_absent(error):
                raise

    async def _pages(self, after: str) -> AsyncGenerator[Sequence["ObjectMeta"], None]:
        """What there is from `after` on, or more, in the order of keys."""
        offset = after if image_of(after) else None  # what is no key cannot be said to a store
        store = await self._store()
        async for page in obstore.list(store, offset=offset, chunk_size=_PAGE):
            yield page

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        with translated():
            async with asyncio.timeout(self._call_max):
                yield


def _those(page: Sequence["ObjectMeta"], after: str) -> Iterator[Stored]:
    for meta in page:
        key = meta["path"]
        if key > after and image_of(key) is not None:
            yield Stored(key, meta["size"], meta["last_modified"])
