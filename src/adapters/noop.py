"""No cache at all: every read goes to the store."""

from collections.abc import Collection
from uuid import UUID

from profilecore.profile import Entry


class NoopCache:
    """A Cache that keeps nothing, and so is never wrong."""

    async def get(self, ids: Collection[UUID]) -> dict[UUID, Entry]:
        return {}

    async def put(self, entry: Entry) -> None:
        pass

    async def drop(self, profile_id: UUID, version: int) -> None:
        pass

    async def clear(self) -> None:
        pass
