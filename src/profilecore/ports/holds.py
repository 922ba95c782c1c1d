"""Which images may lose their files, and which may not."""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol


class Holds(Protocol):
    """Keeps those who add an image and those who remove unused files out of each other's way.

    An image is used while a profile has it, deleted ones included. `Profiles.write` refuses, as
    Conflict `image_gone`, to begin the use of one that is neither used nor held. One clock decides
    when a hold ends, and it is the store's.
    """

    async def hold(self, image_id: str, holder: str, lease: timedelta) -> None:
        """Have the files of an image stay for so long, used or not: they are about to be used.

        Any number of holders may do so at once. Unavailable `being_removed` while it is condemned.
        """
        ...

    async def release(self, image_id: str, holder: str) -> None:
        """Hold it no longer. May be repeated."""
        ...

    async def condemn(self, image_ids: Collection[str], lease: timedelta) -> Collection[str]:
        """Give those that are neither used nor held, which from now on nobody can hold or use.

        Until they are forgotten, or the lease has ended: then anybody can condemn or hold them
        again. Unavailable `being_removed`, and nothing is condemned, where somebody else's lease
        on one of them has not ended.
        """
        ...

    async def forget(self, image_ids: Collection[str]) -> None:
        """The files of these, which were condemned, are removed. May be repeated."""
        ...

    async def unused(self, image_ids: Collection[str]) -> Collection[str]:
        """Give those that could be condemned, and change nothing."""
        ...
