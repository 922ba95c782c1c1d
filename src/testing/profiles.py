"""What every adapter of the Profiles port does: reading, writing, purging."""

import asyncio

import pytest

from profilecore.errors import Conflict
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Query
from profilecore.testing.batches import BatchesContract
from profilecore.testing.places import Place, Store
from profilecore.testing.removals import RemovalsContract
from profilecore.testing.samples import (
    AT,
    add,
    created,
    deleted,
    full_person,
    person,
    restored,
    updated,
    write,
)


class ProfilesContract(BatchesContract, RemovalsContract):
    """Subclass it with `traits` and a fixture `place`."""

    async def test_all_ten_fields_come_back_as_they_were(self, store: Store) -> None:
        profile = full_person()
        await add(store.profiles, profile)
        assert await store.profiles.get([profile.id]) == {profile.id: profile}

    async def test_what_is_not_there_is_left_out(self, store: Store) -> None:
        there = person()
        await add(store.profiles, there)
        assert await store.profiles.get([new_id(), there.id, there.id]) == {there.id: there}
        assert await store.profiles.get([new_id()]) == {}
        assert await store.profiles.get([]) == {}

    async def test_any_number_of_ids_is_one_call(self, store: Store) -> None:
        people = [person() for _ in range(1_500)]
        await add(store.profiles, *people)
        found = await store.profiles.get({p.id for p in people} | {new_id() for _ in range(1_500)})
        assert found == {p.id: p for p in people}

    async def test_a_tombstone_is_there_until_it_is_purged(self, store: Store) -> None:
        profile = person()
        await add(store.profiles, profile)
        change = deleted(profile)
        await write(store.profiles, change)
        assert await store.profiles.get([profile.id]) == {profile.id: change.profile}
        assert change.profile.deleted_at is not None

    async def test_each_answered_write_is_seen(self, place: Place[Store], store: Store) -> None:
        """At once, by the adapter that wrote and by another one on the same place."""
        other = await place.open()
        for _ in range(20):
            profile = person()
            await add(store.profiles, profile)
            assert await store.profiles.get([profile.id]) == {profile.id: profile}
            elsewhere = await other.profiles.get([profile.id])
            assert elsewhere == ({profile.id: profile} if self.traits.shared else {})

    async def test_what_was_written_outlives_the_adapter_if_durable(
        self, place: Place[Store], store: Store
    ) -> None:
        profile = full_person()
        await add(store.profiles, profile)
        await place.close()
        again = await place.open()
        kept = {profile.id: profile} if self.traits.durable else {}
        assert await again.profiles.get([profile.id]) == kept

    # Writing, and versions

    async def test_a_new_profile_whose_id_is_there_is_refused(self, store: Store) -> None:
        profile = person()
        await add(store.profiles, profile)
        twin = person(id=profile.id)
        (refusal,) = await store.profiles.write([created(twin)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "id_taken"
        await write(store.profiles, deleted(profile))
        (refusal,) = await store.profiles.write([created(twin)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "id_taken", "a tombstone holds its id too"

    @pytest.mark.parametrize("replaces", [1, 3])
    async def test_a_write_on_another_version_is_refused(self, store: Store, replaces: int) -> None:
        profile = person()
        await add(store.profiles, profile)
        second = updated(profile, name="Second")
        await write(store.profiles, second)
        change = Change(EventType.UPDATED, second.profile.revised({}, at=AT), replaces)
        (refusal,) = await store.profiles.write([change], atomic=False)
        assert isinstance(refusal, Conflict)
        assert (refusal.code, refusal.version) == ("stale_version", 2)
        assert await store.profiles.get([profile.id]) == {profile.id: second.profile}

    async def test_a_write_on_nothing_is_refused(self, store: Store) -> None:
        (refusal,) = await store.profiles.write([updated(person(), name="x")], atomic=False)
        assert isinstance(refusal, Conflict)
        assert (refusal.code, refusal.version) == ("stale_version", None)

    async def test_a_refused_write_leaves_no_event(self, store: Store) -> None:
        profile = person()
        (event,) = await add(store.profiles, profile)
        await store.profiles.write([created(profile)], atomic=False)
        await store.profiles.write([updated(updated(profile).profile)], atomic=False)
        await store.profiles.write([created(person(email=profile.email))], atomic=False)
        assert await store.log.position() == event.position

    # Writing, and emails

    @pytest.mark.parametrize(
        ("held", "wanted"),
        [
            ("ada@example.com", "ada@example.com"),
            ("ada@example.com", "ADA@Example.COM"),
            ("Élan@example.com", "éLAN@example.com"),
            ("ada@bücher.example", "Ada@BÜCHER.example"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ],
    )
    async def test_an_email_is_unique_in_any_spelling(
        self, store: Store, held: str, wanted: str
    ) -> None:
        holder, other = person(email=held), person()
        await add(store.profiles, holder, other)
        changes = [created(person(email=wanted)), updated(other, email=wanted)]
        for refusal in await store.profiles.write(changes, atomic=False):
            assert isinstance(refusal, Conflict)
            assert refusal.code == "email_taken"
        found = await store.profiles.get([holder.id, other.id])
        assert found == {holder.id: holder, other.id: other}

    async def test_a_profile_may_spell_its_own_email_anew(self, store: Store) -> None:
        profile = person(email="ada@example.com")
        await add(store.profiles, profile)
        change = updated(profile, email="Ada@Example.com")
        await write(store.profiles, change)
        assert await store.profiles.get([profile.id]) == {profile.id: change.profile}

    async def test_a_tombstone_frees_its_email(self, store: Store) -> None:
        first, second = person(email="ada@example.com"), person(email="ada@example.com")
        await add(store.profiles, first)
        gone = deleted(first)
        await write(store.profiles, gone)
        await add(store.profiles, second)
        (refusal,) = await store.profiles.write([restored(gone.profile)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.code == "email_taken"
        assert await store.profiles.get([first.id]) == {first.id: gone.profile}
        gone_too = deleted(second)
        back = restored(gone.profile)
        await write(store.profiles, gone_too, back)
        found = await store.profiles.get([first.id, second.id])
        assert found == {first.id: back.profile, second.id: gone_too.profile}

    async def test_an_email_moves_within_one_write_in_order(self, store: Store) -> None:
        first, second = person(email="one@example.com"), person(email="two@example.com")
        await add(store.profiles, first, second)
        away = updated(first, email="three@example.com")
        takes = updated(second, email="one@example.com")
        (refusal, _) = await store.profiles.write([takes, away], atomic=False)
        assert isinstance(refusal, Conflict)
        await write(store.profiles, takes)
        found = await store.profiles.get([first.id, second.id])
        assert found == {first.id: away.profile, second.id: takes.profile}

    async def test_one_of_many_gets_an_email(self, store: Store) -> None:
        people = [person(email="only@example.com") for _ in range(40)]
        results = await asyncio.gather(
            *(store.profiles.write([created(p)], atomic=False) for p in people)
        )
        events = [outcome for (outcome,) in results if isinstance(outcome, Event)]
        assert len(events) == 1
        refusals = [outcome for (outcome,) in results if isinstance(outcome, Conflict)]
        assert {refusal.code for refusal in refusals} == {"email_taken"}
        page = await store.profiles.list(Query(email="only@example.com"))
        assert [p.id for p in page.profiles] == [events[0].profile_id]
