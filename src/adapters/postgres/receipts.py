"""What is kept of writes, in PostgreSQL."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from profilecore.adapters.codec import Garbled
from profilecore.adapters.codec.receipts import kept_of
from profilecore.adapters.postgres.database import PostgresDatabase
from profilecore.receipt import Receipt, Repeated

PURGED_AT_ONCE: Final = 500

_MICROSECOND: Final = timedelta(microseconds=1)
_PURGE: Final = "SELECT profilecore_purge_receipts(%s)"
_kept_in: Final = msgspec.json.Decoder(tuple[str, str, str])


class PostgresReceipts:
    """The Receipts port on a PostgresDatabase, by whose clock they end."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def purge(self) -> int:
        """As the port has it, in portions, so that each ends in time."""
        total, purged = 0, PURGED_AT_ONCE
        while purged == PURGED_AT_ONCE:
            ((purged,),) = await self._database.fetch(_PURGE, (PURGED_AT_ONCE,))
            total += purged
        return total


def receipt_of(receipt: Receipt) -> dict[str, Any]:
    """A receipt as the functions that write take it."""
    return {
        "key": receipt.key.hex(),
        "fingerprint": receipt.fingerprint.hex(),
        "lasts": receipt.lasts // _MICROSECOND,
        "note": receipt.note,
        "always": receipt.always,
    }


def repeated(kept: str) -> Repeated:
    """What such a function says of one that is kept. Raises Garbled where that cannot be read."""
    try:
        fingerprint, note, marks = _kept_in.decode(kept)
        return Repeated(kept_of(bytes.fromhex(fingerprint), note, marks))
    except ValueError as error:
        raise Garbled("A receipt in the database cannot be read.") from error
