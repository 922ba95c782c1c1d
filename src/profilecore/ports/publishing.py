"""Telling others of what changed: where to, and how far it was done."""

from collections.abc import Sequence
from typing import Protocol

from profilecore.event import Event


class Publisher(Protocol):
    """A place outside, such as a broker's exchange, where others listen to the change log."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events, oldest first; when this returns, all of them are kept there.

        May be repeated: whoever listens may see an event twice.
        """
        ...


class Bookmark(Protocol):
    """How far the log was published, and which process does so: one at a time, to keep order."""

    async def hold(self, holder: str, seconds: float) -> int | None:
        """Be the one who publishes for so many seconds from now, by the store's clock.

        Gives the position up to which it was done; None while another holds it. The first to hold
        a new bookmark begins at the log's end of then.
        """
        ...

    async def advance(self, holder: str, position: int) -> bool:
        """Note that all up to `position` was published; False, and no effect, for anyone else."""
        ...
