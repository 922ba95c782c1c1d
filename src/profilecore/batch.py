"""Many changes in one call, with one result each, or all or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from uuid import UUID

from profilecore.batch_note import Note
from profilecore.errors import Conflict, Invalid, ProfilecoreError
from profilecore.event import Change
from profilecore.profile import Profile
from profilecore.receipt import Receipt, Repeated
from profilecore.refusals import kept_changing, living, must_match
from profilecore.service import REREADS, ProfileService
from profilecore.written import Written

ITEMS_MAX: Final = 1_000

Outcome: TypeAlias = Written | ProfilecoreError


@dataclass(frozen=True, slots=True)
class Item:
    """One change asked for; `expected` is the version that the caller saw, None for any.

    `refused` is what its form alone has against it.
    """

    op: Literal["create", "update", "delete"]
    id: UUID | None
    values: Mapping[str, object]
    expected: int | None
    refused: Invalid | None = None


async def run_batch(
    service: ProfileService,
    items: Sequence[Item],
    *,
    atomic: bool,
    actor: str | None,
    receipt: Receipt | None = None,
) -> list[Outcome]:
    """Apply the items in order; give what was stored or why it was refused, one each.

    An item sees what the items before it did. With `atomic` the first refusal is raised, its
    `item` set to the index, and nothing is changed. Raises Invalid above `ITEMS_MAX` items.
    With a `receipt` each item is applied once, and what was said of it then is said again: a
    refusal has the `request_id` of that time.
    """
    if len(items) > ITEMS_MAX:
        raise Invalid(f"A batch takes at most {ITEMS_MAX} items, not {len(items)}.")
    batch = _Batch(service, items, atomic, actor, receipt)
    for _ in range(REREADS):
        if not batch.open:
            break
        await batch.attempt()
    return batch.results()


class _Batch:
    def __init__(
        self,
        service: ProfileService,
        items: Sequence[Item],
        atomic: bool,
        actor: str | None,
        receipt: Receipt | None,
    ) -> None:
        self._service = service
        self._items = items
        self._atomic = atomic
        self._actor = actor
        self._receipt = receipt
        self._kept = 0
        self._outcomes: dict[int, Outcome] = {}

    @property
    def open(self) -> list[int]:
        return [index for index in range(len(self._items)) if index not in self._outcomes]

    def results(self) -> list[Outcome]:
        for index in self.open:
            self._refuse(index, kept_changing(self._items[index].id or UUID(int=0)))
        return [self._outcomes[index] for index in range(len(self._items))]

    async def attempt(self) -> None:
        """Plan what is open on what is stored now, and write it, or recall what was written."""
        # Each attempt from the first that has an effect has a receipt of its own, so that one who
        # comes after a process that was killed goes on behind the last of them.
        receipt = self._receipt and self._receipt.numbered(self._kept)
        try:
            await self._attempt(receipt)
        except Repeated as repeated:
            await self._recall(repeated, receipt)

    async def _attempt(self, receipt: Receipt | None) -> None:
        planned = await self._service.once.unless_repeated(receipt, self._plan())
        if receipt is not None:
            note = Note(list(planned), self._refused(), receipt.request_id)
            receipt = receipt.noting(note.encode())
        try:
            written = await self._service.commit(
                list(planned.values()), atomic=self._atomic, receipt=receipt
            )
        except Conflict as conflict:
            if conflict.item is None:
                raise
            # Only an atomic write raises; what it refused is the item at that place of the plan.
            self._settle(list(planned)[conflict.item], conflict)
            return
        self._kept += any(isinstance(outcome, Written) for outcome in written) or self._kept > 0
        self._take(planned, written)

    async def _recall(self, repeated: Repeated, receipt: Receipt | None) -> None:
        if receipt is None:
            raise repeated
        written = await self._service.once.recalled(repeated, receipt)
        note = Note.decode(repeated.kept.note)
        for error in written:
            if isinstance(error, ProfilecoreError):
                error.request_id = note.request_id
        self._outcomes = {i: o for i, o in self._outcomes.items() if isinstance(o, Written)}
        self._outcomes |= note.refused
        self._kept += 1
        self._take(note.items, written)

    def _refused(self) -> dict[int, ProfilecoreError]:
        return {i: o for i, o in self._outcomes.items() if isinstance(o, ProfilecoreError)}

    def _take(self, items: Iterable[int], written: Sequence[Outcome]) -> None:
        for index, outcome in zip(items, written, strict=True):
            self._settle(index, outcome)

    async def _plan(self) -> dict[int, Change]:
        ids = {item.id for index in self.open if (item := self._items[index]).id is not None}
        profiles = await self._service.stored(ids) if ids else {}
        planned: dict[int, Change] = {}
        assumed: set[UUID | None] = set()
        for index in self.open:
            item = self._items[index]
            try:
                change = self._change(item, profiles)
            except ProfilecoreError as error:
                # Where it rests on what is planned only, and may be refused, it is not settled yet.
                if self._atomic or item.id not in assumed:
                    self._refuse(index, error)
            else:
                planned[index] = change
                assumed.add(change.profile.id)
                profiles[change.profile.id] = change.profile
        return planned

    def _change(self, item: Item, profiles: Mapping[UUID, Profile]) -> Change:
        if item.refused is not None:
            raise item.refused
        if item.id is None:
            return self._service.creation(item.values, actor=self._actor)
        profile = living(profiles, item.id)
        must_match(profile, item.expected)
        if item.op == "delete":
            return self._service.removal(profile, actor=self._actor)
        return self._service.revision(profile, item.values, actor=self._actor)

    def _settle(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, Written):
            self._outcomes[index] = outcome
        elif outcome.code != "stale_version" or self._items[index].expected is not None:
            self._refuse(index, outcome)
        # else somebody else wrote it in between: it stays open, and is planned anew

    def _refuse(self, index: int, error: ProfilecoreError) -> None:
        if self._atomic:
            error.item = index
            raise error
        self._outcomes[index] = error
