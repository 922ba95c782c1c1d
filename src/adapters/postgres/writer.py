"""Writes of profiles, those that wait in one call."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from profilecore.adapters.postgres.group import Group

Fetch: TypeAlias = Callable[[str, str], Awaitable[list[tuple[Any, ...]]]]

_WRITE: Final = "SELECT * FROM profilecore_write(%s::jsonb, %s)"
_WRITE_ONCE: Final = "SELECT * FROM profilecore_write_once(%s::jsonb, %s)"


class Answer(NamedTuple):
    """What became of a change: its position, or None and what stands in its way.

    Of a call that was written before the one answer is what is `kept` of it.
    """

    position: int | None
    stored: int | None
    taken: bool | None
    kept: str | None = None


class _Call(NamedTuple):
    text: str
    has_receipt: bool


class Writer:
    """Sends calls of `profilecore_write` in groups, with receipts and without.

    Writers take turns in the database in any case: more calls at once from one process would
    wait there, each with a flush of its own.
    """

    def __init__(self, fetch: Fetch, wait_max: float) -> None:
        self._fetch = fetch
        self._group = Group[_Call, list[Answer]](self._send, wait_max)

    async def write(self, call: str, size: int, *, has_receipt: bool = False) -> list[Answer]:
        """Give the answer to each change of a call, once it is durable; `size` is their number."""
        return await self._group.send(_Call(call, has_receipt), size)

    async def close(self) -> None:
        """Finish what was accepted."""
        await self._group.close()

    async def _send(self, calls: Sequence[_Call]) -> list[list[Answer]]:
        answers: list[list[Answer]] = [[] for _ in calls]
        statement = _WRITE_ONCE if any(call.has_receipt for call in calls) else _WRITE
        texts = ",".join(call.text for call in calls)
        for number, *answer in await self._fetch(statement, f"[{texts}]"):
            answers[number].append(Answer(*answer))
        return answers
