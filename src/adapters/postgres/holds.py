"""Which images may lose their files, in PostgreSQL."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.errors import Unavailable
from profilecore.image import BEING_REMOVED

_MICROSECOND: Final = timedelta(microseconds=1)
_HOLD: Final = "SELECT profilecore_hold(%s, %s, %s)"
_RELEASE: Final = "DELETE FROM image_holds WHERE image_id = %s AND holder = %s RETURNING 1"
_CONDEMN: Final = "SELECT profilecore_condemn(%s, %s)"
_UNUSED: Final = "SELECT profilecore_unused(%s)"
_FORGET: Final = "DELETE FROM image_holds WHERE image_id = ANY(%s) AND holder = '' RETURNING 1"


class PostgresHolds:
    """The Holds port on a PostgresDatabase, by whose clock they end."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def hold(self, image_id: str, holder: str, lease: timedelta) -> None:
        asked = (image_id, holder, lease // _MICROSECOND)
        ((held,),) = await self._database.fetch(_HOLD, asked)
        if not held:
            raise Unavailable(BEING_REMOVED, code="being_removed")

    async def release(self, image_id: str, holder: str) -> None:
        await self._database.fetch(_RELEASE, (image_id, holder))

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        asked = (list(image_ids), lease // _MICROSECOND)
        ((condemned,),) = await self._database.fetch(_CONDEMN, asked)
        if condemned is None:
            raise Unavailable(BEING_REMOVED, code="being_removed")
        return set(condemned)

    async def forget(self, image_ids: Collection[str]) -> None:
        await self._database.fetch(_FORGET, (list(image_ids),))

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        ((unused,),) = await self._database.fetch(_UNUSED, (list(image_ids),))
        return set(unused)
