"""Idempotency-Key: a request that is sent again has one effect, and gets the first answer."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request
from litestar.params import HeaderParameter

from profilecore.access import ANYBODY, Caller
from profilecore.entrypoints.telemetry import request_id
from profilecore.errors import Conflict, Invalid
from profilecore.receipt import Receipt

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile("^[!-~]{1,255}$")
REPLAYED: Final = {"Idempotency-Replayed": "true"}
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="Of your own making, for this request alone: sent again with the same key,"
        " it has one effect, and the first answer",
        schema_extra={"pattern": KEY.pattern},
    ),
]
"""Documents the header that `Keys` reads, with better errors."""


class StillRunning(Conflict):
    """A request with this key has not been answered yet."""

    code = "still_running"
    retry_after = 1


class Keys:
    """Makes a receipt of the key of a request, which `lasts` for so long.

    A second request with a key is refused while this process works on the first. Which of two
    processes is the first is decided by the store.
    """

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._under_way: set[bytes] = set()

    @asynccontextmanager
    async def receipt(
        self, request: Request[Any, Any, Any], body: bytes = b""
    ) -> AsyncIterator[Receipt | None]:
        """The receipt for a request with this body, until the block ends; None without a key.

        Raises Invalid for a key that is malformed, StillRunning for one that is under way.
        """
        receipt = self._made(request, body)
        if receipt is None:
            yield None
            return
        if receipt.key in self._under_way:
            raise StillRunning(f"A request with this {HEADER} is under way: wait for its answer.")
        self._under_way.add(receipt.key)
        try:
            yield receipt
        finally:
            self._under_way.discard(receipt.key)

    def _made(self, request: Request[Any, Any, Any], body: bytes) -> Receipt | None:
        given = request.headers.getall(HEADER, [])
        if not given:
            return None
        if len(given) > 1 or not KEY.fullmatch(given[0]):
            detail = f"{HEADER} has to be one text of 1 to 255 visible characters of ASCII."
            raise Invalid(detail, code="malformed")
        scope = request.scope
        caller: Caller = scope.get("caller") or ANYBODY  # type: ignore[assignment]
        return Receipt.of(
            caller.key or "",
            f"{request.method} {scope['path_template']}",
            given[0],
            scope["path"].encode(),
            scope["query_string"],
            body,
            lasts=self._lasts,
            request_id=request_id.get() or "",
        )


def digest_of(path: Path) -> bytes:
    """What tells the bytes of a file from any others. Blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
