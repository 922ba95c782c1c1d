"""What every store does with a receipt: the write is made once, whoever asks for it again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from profilecore.errors import Conflict, Invalid, ProfilecoreError
from profilecore.event import Event
from profilecore.identifiers import new_id
from profilecore.receipt import Kept, Refused, Repeated
from profilecore.task import Task
from profilecore.testing.places import (
    Place,
    Receipted,
    ReceiptedPlace,
    Traits,
)
from profilecore.testing.receipt_samples import (
    DAY,
    MOMENT,
    added,
    an_order,
    receipt,
    repeated,
    told,
)
from profilecore.testing.samples import (
    add,
    created,
    deleted,
    person,
    picture,
    updated,
    write,
)


class ReceiptsContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def store(self, place: ReceiptedPlace) -> Receipted:
        return await place.open()

    # Profiles

    @pytest.mark.parametrize("atomic", [False, True])
    async def test_a_write_is_made_once(self, store: Receipted, atomic: bool) -> None:
        one, other = created(person()), created(person())
        given = receipt(note="what for")
        events = await store.profiles.write([one, other], atomic=atomic, receipt=given)
        positions = [event.position for event in events if isinstance(event, Event)]
        kept = await repeated(store.profiles, given, created(person()), atomic=atomic)
        assert kept == Kept(given.fingerprint, "what for", tuple(positions))
        assert await store.log.position() == positions[-1]

    async def test_each_outcome_is_kept(self, store: Receipted) -> None:
        """Also of changes that were refused, whatever has become of their reasons."""
        there, late = person(), person()
        await add(store.profiles, there, late)
        changes = [
            created(person()),
            created(person(id=there.id)),
            updated(updated(late).profile),
            updated(person()),
            created(person(email=there.email)),
            created(person(images=(picture(),))),
            updated(late, name="New"),
        ]
        outcomes = await store.profiles.write(changes, atomic=False, receipt=receipt())
        codes = [None if isinstance(o, Event) else o.code for o in outcomes]
        refused = ["id_taken", "stale_version", "stale_version", "email_taken", "image_gone"]
        assert codes == [None, *refused, None]
        await write(store.profiles, deleted(there))
        kept = await repeated(store.profiles, receipt(), *changes)
        for change, outcome, mark in zip(changes, outcomes, kept.marks, strict=True):
            assert mark == change.mark(outcome)
            if isinstance(outcome, ProfilecoreError):
                assert isinstance(mark, Refused)
                assert told(mark.error()) == told(outcome)

    async def test_many_creations_are_kept_as_one(self, store: Receipted) -> None:
        changes = [created(person()) for _ in range(100)]
        events = await store.profiles.write(changes, atomic=False, receipt=receipt())
        kept = await repeated(store.profiles, receipt(), *changes)
        assert list(kept.marks) == [event.position for event in events if isinstance(event, Event)]

    async def test_it_comes_before_any_refusal(self, store: Receipted) -> None:
        """The first write has taken the email, and the version."""
        profile = person()
        await store.profiles.write([created(profile)], atomic=False, receipt=receipt())
        twin = created(person(email=profile.email))
        await repeated(store.profiles, receipt(), twin)
        await repeated(store.profiles, receipt(), updated(person()), atomic=True)

    async def test_what_changed_nothing_is_not_kept(self, store: Receipted) -> None:
        taken = person()
        await add(store.profiles, taken)
        refused = created(person(email=taken.email))
        (outcome,) = await store.profiles.write([refused], atomic=False, receipt=receipt())
        assert isinstance(outcome, Conflict)
        with pytest.raises(Conflict) as raised:
            await store.profiles.write([created(person()), refused], atomic=True, receipt=receipt())
        assert (raised.value.code, raised.value.item) == ("email_taken", 1)
        (outcome,) = await store.profiles.write([created(person())], atomic=True, receipt=receipt())
        assert isinstance(outcome, Event)

    async def test_some_are_kept_always(self, store: Receipted) -> None:
        """Those of the later writes for a request: something was changed by then."""
        taken = person()
        await add(store.profiles, taken)
        refused, later = created(person(email=taken.email)), receipt().numbered(1)
        with pytest.raises(Conflict):
            await store.profiles.write([refused], atomic=True, receipt=later)
        await store.profiles.write([refused], atomic=False, receipt=later)
        (mark,) = (await repeated(store.profiles, later, created(person()))).marks
        assert isinstance(mark, Refused)
        assert mark.error().code == "email_taken"
        last = receipt(note="all refused").numbered(2)
        assert list(await store.profiles.write([], atomic=False, receipt=last)) == []
        assert await repeated(store.profiles, last) == Kept(last.fingerprint, last.note)

    async def test_a_write_of_nothing_looks(self, store: Receipted) -> None:
        assert list(await store.profiles.write([], atomic=False, receipt=receipt())) == []
        assert list(await store.profiles.write([], atomic=True, receipt=receipt())) == []
        (event,) = await store.profiles.write([created(person())], atomic=False, receipt=receipt())
        assert isinstance(event, Event)
        for atomic in (False, True):
            kept = await repeated(store.profiles, receipt(), atomic=atomic)
            assert kept.marks == (event.position,)

    async def test_what_was_asked_is_told_and_not_judged(self, store: Receipted) -> None:
        """Whoever looks compares: it may not be known yet what is asked."""
        first, other = receipt(), receipt(asked=b"another")
        await store.profiles.write([created(person())], atomic=False, receipt=first)
        kept = await repeated(store.profiles, other)
        assert kept.fingerprint == first.fingerprint
        kept.must_match(first)
        with pytest.raises(Invalid, match="used with another request"):
            kept.must_match(other)

    async def test_another_key_is_another_write(self, store: Receipted) -> None:
        for key in ("a", "b"):
            await store.profiles.write([created(person())], atomic=False, receipt=receipt(key))
        numbered = receipt("a").numbered(1)
        assert receipt("a").numbered(0) == receipt("a")
        await store.profiles.write([created(person())], atomic=False, receipt=numbered)
        assert await store.log.position() == 3

    async def test_one_of_many_at_once_writes(
        self, place: Place[Receipted], store: Receipted
    ) -> None:
        stores = [store, await place.open()] if self.traits.shared else [store]
        results = await asyncio.gather(
            *(
                stores[n % len(stores)].profiles.write(
                    [created(person())], atomic=False, receipt=receipt()
                )
                for n in range(40)
            ),
            # Those who have none go along.
            *(store.profiles.write([created(person())], atomic=False) for _ in range(10)),
            return_exceptions=True,
        )
        events = [r[0] for r in results[:40] if not isinstance(r, BaseException)]
        assert len(events) == 1
        others = {r.kept for r in results if isinstance(r, Repeated)}
        (event,) = events
        assert isinstance(event, Event)
        assert others == {Kept(receipt().fingerprint, "", (event.position,))}
        assert not any(isinstance(r, BaseException) for r in results[40:])
        assert await store.log.position() == 11

    # The log

    async def test_events_are_read_by_position(self, store: Receipted) -> None:
        events = await add(store.profiles, *(person() for _ in range(5)))
        some = {event.position: event for event in events[1:3]}
        assert await store.log.get([*some, *some, events[-1].position + 1]) == some
        assert await store.log.get([]) == {}
        await store.log.trim(events[-1].at + DAY)
        assert await store.log.get(some) == {}

    # Tasks

    async def test_a_task_is_added_once(self, store: Receipted) -> None:
        first = an_order(receipt(note="n"))
        task = await added(store.tasks, first)
        assert isinstance(task, Task)
        for order in (an_order(receipt()), first):
            again = await added(store.tasks, order)
            assert isinstance(again, Repeated)
            assert again.kept == Kept(receipt().fingerprint, "n")
        assert await store.tasks.get([first.id]) == {first.id: task}

    async def test_an_order_that_has_become_too_late_was_kept(
        self, store: Receipted, place: ReceiptedPlace
    ) -> None:
        late = an_order(receipt(), run_at=place.now)
        assert isinstance(await added(store.tasks, late), Task)
        await place.move(timedelta(hours=1))
        assert isinstance(await added(store.tasks, replace(late, id=new_id())), Repeated)
        other = await added(store.tasks, replace(late, receipt=receipt("other"), id=new_id()))
        assert isinstance(other, Invalid)
        kept = await added(store.tasks, an_order(receipt("other")))
        assert isinstance(kept, Task), "what was refused is not kept"

    async def test_a_task_that_is_there_already_is_not_kept(self, store: Receipted) -> None:
        """It has its own key, which says when it is the same."""
        twin = await added(store.tasks, an_order(unique_key="k"))
        assert await added(store.tasks, an_order(receipt(), unique_key="k")) == twin
        task = await added(store.tasks, an_order(receipt()))
        assert isinstance(task, Task)
        assert task != twin

    async def test_each_order_has_its_own_receipt(self, store: Receipted) -> None:
        await added(store.tasks, an_order(receipt("a")))
        orders = [
            an_order(receipt("b")),
            an_order(),
            an_order(receipt("a")),
            an_order(receipt("b")),
        ]
        outcomes = await store.tasks.add(orders)
        assert [type(outcome) for outcome in outcomes] == [Task, Task, Repeated, Repeated]
        found = await store.tasks.get([order.id for order in orders])
        assert list(found) == [orders[0].id, orders[1].id]

    async def test_one_of_many_at_once_is_added(
        self, place: Place[Receipted], store: Receipted
    ) -> None:
        stores = [store, await place.open()] if self.traits.shared else [store]
        outcomes = await asyncio.gather(
            *(added(stores[n % len(stores)].tasks, an_order(receipt())) for n in range(40))
        )
        assert [type(outcome) for outcome in outcomes].count(Task) == 1
        assert [type(outcome) for outcome in outcomes].count(Repeated) == 39

    # Their end

    async def test_one_that_has_ended_is_not_given_and_makes_room(
        self, store: Receipted, place: ReceiptedPlace
    ) -> None:
        await store.profiles.write([created(person())], atomic=False, receipt=receipt())
        await added(store.tasks, an_order(receipt("t")))
        await place.move(DAY - MOMENT)
        await repeated(store.profiles, receipt())
        assert isinstance(await added(store.tasks, an_order(receipt("t"))), Repeated)
        await place.move(MOMENT)
        assert list(await store.profiles.write([], atomic=False, receipt=receipt())) == []
        other = receipt(asked=b"another")
        await store.profiles.write([created(person())], atomic=False, receipt=other)
        assert (await repeated(store.profiles, other)).fingerprint == other.fingerprint
        assert isinstance(await added(store.tasks, an_order(receipt("t"))), Task)
        assert isinstance(await added(store.tasks, an_order(receipt("t"))), Repeated)

    async def test_those_that_have_ended_are_forgotten(
        self, store: Receipted, place: ReceiptedPlace
    ) -> None:
        assert await store.receipts.purge() == 0
        for number in range(3):
            await store.profiles.write(
                [created(person())], atomic=False, receipt=receipt(str(number))
            )
        orders = [an_order(receipt(f"t{number}")) for number in range(1_100)]
        await store.tasks.add(orders)
        await place.move(timedelta(hours=1))
        await store.profiles.write([created(person())], atomic=False, receipt=receipt("later"))
        assert await store.receipts.purge() == 0
        await place.move(DAY - timedelta(hours=1))
        assert [await store.receipts.purge() for _ in range(2)] == [1_103, 0]
        await repeated(store.profiles, receipt("later"))

    async def test_what_is_kept_outlives_the_adapter_if_durable(
        self, place: Place[Receipted], store: Receipted
    ) -> None:
        await store.profiles.write([created(person())], atomic=False, receipt=receipt())
        await added(store.tasks, an_order(receipt("t")))
        await place.close()
        again = await place.open()
        if self.traits.durable:
            await repeated(again.profiles, receipt())
            assert isinstance(await added(again.tasks, an_order(receipt("t"))), Repeated)
        else:
            assert list(await again.profiles.write([], atomic=False, receipt=receipt())) == []

    async def test_an_erasure_leaves_positions_alone(self, store: Receipted) -> None:
        profile = person()
        (event,) = await store.profiles.write([created(profile)], atomic=False, receipt=receipt())
        assert isinstance(event, Event)
        await write(store.profiles, deleted(profile))
        await store.profiles.erase([profile.id])
        kept = await repeated(store.profiles, receipt())
        assert kept == Kept(receipt().fingerprint, "", (event.position,))
        found = await store.log.get([event.position])
        assert found[event.position].profile() is None
