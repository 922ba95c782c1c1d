"""A queue for when the one that everybody shares is away."""

from collections.abc import Callable, Collection

from profilecore.errors import Unavailable
from profilecore.ports import Due, Lease, Queue


class FallbackQueue:
    """Puts what `primary` does not take into `fallback`, and is `primary` in all else.

    So whoever takes from `fallback` has to be there beside, and `takes` names the queues that it
    works for: what is in another is left to those who do. What is in both by then is started once
    all the same: the row of a task decides. `turned` is told of each that went to `fallback`.
    """

    def __init__(
        self,
        primary: Queue,
        fallback: Queue,
        takes: Collection[str],
        *,
        turned: Callable[[], object] = lambda: None,
    ) -> None:
        self._primary = primary
        self._fallback = fallback
        self._takes = frozenset(takes)
        self._turned = turned

    async def put(self, due: Due) -> None:
        try:
            await self._primary.put(due)
        except Unavailable:
            if due.queue not in self._takes:
                raise
            await self._fallback.put(due)
            self._turned()

    async def take(self, timeout: float) -> Lease | None:  # noqa: ASYNC109 - the port's
        return await self._primary.take(timeout)

    async def ack(self, lease: Lease) -> None:
        await self._primary.ack(lease)

    async def retry(self, lease: Lease) -> None:
        await self._primary.retry(lease)

    async def bury(self, lease: Lease) -> None:
        await self._primary.bury(lease)
