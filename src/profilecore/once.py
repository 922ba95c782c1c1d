"""Writes that come with a receipt: made once, and told again as they were told first."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from profilecore.errors import Conflict, NotFound, ProfilecoreError
from profilecore.event import Event
from profilecore.ports import Log, Profiles
from profilecore.receipt import Receipt, Refused, Repeated
from profilecore.written import Written, given

T = TypeVar("T")


class Once:
    """Looks for what was written with a receipt, and makes its answer anew from the log."""

    def __init__(self, profiles: Profiles, log: Log) -> None:
        self._profiles = profiles
        self._log = log

    async def written(self, receipt: Receipt | None, work: Awaitable[Written]) -> Written:
        """What `work` gives, which writes one change; or what that gave when it was made first."""
        if receipt is None:
            return await work
        try:
            return await self.unless_repeated(receipt, work)
        except Repeated as repeated:
            (outcome,) = await self.recalled(repeated, receipt)
            return given(outcome)

    async def unless_repeated(self, receipt: Receipt | None, work: Awaitable[T]) -> T:
        """What `work` gives; where it is refused, Repeated if that is because it was done.

        What the first write has changed is no reason to refuse its repetition.
        """
        try:
            return await work
        except (NotFound, Conflict) as refusal:
            if not isinstance(refusal, Repeated):
                await self.must_be_new(receipt)
            raise

    async def must_be_new(self, receipt: Receipt | None) -> None:
        """Raise Repeated where this has been written before."""
        if receipt is not None:
            look = replace(receipt, always=False)
            await self._profiles.write([], atomic=False, receipt=look)

    async def was_written(self, receipt: Receipt | None) -> bool:
        """Whether there is something to be told again."""
        try:
            await self.must_be_new(receipt)
        except Repeated:
            return True
        return False

    async def recalled(
        self, repeated: Repeated, receipt: Receipt
    ) -> Sequence[Written | ProfilecoreError]:
        """What became of each change, as it was told first, whatever was written since.

        NotFound `answer_gone` stands for a profile that was purged or erased. Raises Invalid where
        the receipt is for something else.
        """
        kept = repeated.kept
        kept.must_match(receipt)
        events = await self._log.get([m for m in kept.marks if not isinstance(m, Refused)])
        return [
            mark.error() if isinstance(mark, Refused) else _written(events.get(mark))
            for mark in kept.marks
        ]


def answer_gone() -> NotFound:
    """It was done, and there is nothing left to tell of it."""
    detail = "This was done before, and what it gave then has been removed since."
    return NotFound(detail, code="answer_gone")


def _written(event: Event | None) -> Written | NotFound:
    profile = None if event is None else event.profile()
    if event is None or profile is None:
        return answer_gone()
    return Written(profile, event.position, replayed=True)
