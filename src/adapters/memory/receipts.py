"""What is kept of writes, in a dict."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from profilecore.receipt import Kept, Mark, Receipt, Repeated


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryReceipts:
    """The Receipts port; their clock is that of this machine, or `clock`."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._rows: dict[bytes, tuple[Kept, datetime]] = {}

    async def purge(self) -> int:
        now = self._clock()
        ended = [key for key, (_, until) in self._rows.items() if until <= now]
        for key in ended:
            del self._rows[key]
        return len(ended)

    def repeated(self, receipt: Receipt | None) -> Repeated | None:
        """What has been written with a receipt, for those who share its transaction."""
        if receipt is None or receipt.key not in self._rows:
            return None
        kept, until = self._rows[receipt.key]
        return Repeated(kept) if until > self._clock() else None

    def keep(self, receipt: Receipt | None, marks: Sequence[Mark] = ()) -> None:
        """Keep a receipt, and what became of each change."""
        if receipt is not None:
            kept = Kept(receipt.fingerprint, receipt.note, tuple(marks))
            self._rows[receipt.key] = kept, self._clock() + receipt.lasts
