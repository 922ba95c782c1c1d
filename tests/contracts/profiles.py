"""What every adapter of the Profiles port does: reading, writing, purging."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from profilecore.errors import Conflict
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Query
from tests.contracts.places import Place, Store, Traits
from tests.contracts.samples import (
    AT,
    SECOND,
    add,
    created,
    deleted,
    full_person,
    person,
    restored,
    updated,
    write,
)


class ProfilesContract:
    """Subclass it with `traits` and a fixture `place`."""

    traits: Traits

    @pytest.fixture
    async def store(self, place: Place[Store]) -> Store:
        return await place.open()

    # Reading

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

    # Writing many

    async def test_no_changes_are_no_write(self, store: Store) -> None:
        for atomic in (False, True):
            assert list(await store.profiles.write([], atomic=atomic)) == []
        assert await store.log.position() == 0

    async def test_each_change_has_its_own_answer_in_order(self, store: Store) -> None:
        a, b, c = person(), person(), person()
        changes = [created(a), updated(b, name="x"), created(b), created(person(email=a.email))]
        outcomes = await store.profiles.write([*changes, created(c)], atomic=False)
        codes = [None if isinstance(o, Event) else o.code for o in outcomes]
        assert codes == [None, "stale_version", None, "email_taken", None]
        ids = [o.profile_id for o in outcomes if isinstance(o, Event)]
        assert ids == [a.id, b.id, c.id]
        assert set(await store.profiles.get([a.id, b.id, c.id])) == {a.id, b.id, c.id}
        assert list(await store.log.read(0, 10)) == [o for o in outcomes if isinstance(o, Event)]

    async def test_one_id_may_change_often_in_one_write(self, store: Store) -> None:
        profile = person()
        second = updated(profile, bio="2")
        gone = deleted(second.profile)
        back = restored(gone.profile)
        events = await write(store.profiles, created(profile), second, gone, back)
        assert [e.version for e in events] == [1, 2, 3, 4]
        assert await store.profiles.get([profile.id]) == {profile.id: back.profile}

    async def test_all_or_nothing(self, store: Store) -> None:
        """The first refusal is raised with its index, and nothing before or after it is kept."""
        there, changed = person(), person()
        (*_, last) = await add(store.profiles, there, changed)
        fresh, fresh_too = person(), person(email=there.email)
        changes = [
            created(fresh),
            updated(changed, email="moved@example.com"),
            deleted(there),
            created(fresh_too),
            updated(there, name="too late"),
            created(person()),
        ]
        with pytest.raises(Conflict) as refused:
            await store.profiles.write(changes, atomic=True)
        assert (refused.value.code, refused.value.item) == ("stale_version", 4)
        assert refused.value.version == 2
        ids = [there.id, changed.id, fresh.id, fresh_too.id]
        assert await store.profiles.get(ids) == {there.id: there, changed.id: changed}
        assert await store.log.position() == last.position
        by_email = await store.profiles.list(Query(email="moved@example.com"))
        assert by_email.profiles == ()
        events = await write(store.profiles, *changes[:4])
        assert list(await store.log.read(last.position, 10)) == events

    async def test_all_or_nothing_takes_all(self, store: Store) -> None:
        people = [person() for _ in range(1_000)]
        events = await add(store.profiles, *people)
        assert [e.profile_id for e in events] == [p.id for p in people]
        assert list(await store.log.read(0, 2_000)) == events

    async def test_many_creations_meet_what_was_there(self, store: Store) -> None:
        living, gone = person(), person()
        await add(store.profiles, living, gone)
        (last,) = await write(store.profiles, deleted(gone))
        people = [person() for _ in range(60)]
        people[10] = person(email=gone.email)
        refused = {20: person(email=living.email), 30: person(id=living.id), 40: person(id=gone.id)}
        for index, profile in refused.items():
            people[index] = profile
        changes = [created(profile) for profile in people]
        with pytest.raises(Conflict) as raised:
            await store.profiles.write(changes, atomic=True)
        assert (raised.value.code, raised.value.item) == ("email_taken", 20)
        assert await store.log.position() == last.position
        assert set(await store.profiles.get([p.id for p in people])) == {living.id, gone.id}
        outcomes = await store.profiles.write(changes, atomic=False)
        codes = {n: o.code for n, o in enumerate(outcomes) if not isinstance(o, Event)}
        assert codes == {20: "email_taken", 30: "id_taken", 40: "id_taken"}
        events = [o for o in outcomes if isinstance(o, Event)]
        assert list(await store.log.read(last.position, 100)) == events
        kept = {p.id: p for n, p in enumerate(people) if n not in refused}
        assert await store.profiles.get(kept) == kept

    @pytest.mark.parametrize("shared", ["email", "id"])
    async def test_many_creations_meet_one_another(self, store: Store, shared: str) -> None:
        people = [person() for _ in range(60)]
        people[30] = person(**{shared: getattr(people[5], shared)})
        outcomes = await store.profiles.write([created(p) for p in people], atomic=False)
        codes = {n: o.code for n, o in enumerate(outcomes) if not isinstance(o, Event)}
        assert codes == {30: f"{shared}_taken"}
        events = [o for o in outcomes if isinstance(o, Event)]
        assert list(await store.log.read(0, 100)) == events
        assert await store.profiles.get([people[5].id]) == {people[5].id: people[5]}

    async def test_many_profiles_change_in_one_write(self, store: Store) -> None:
        """Of each kind, a tombstone that comes from elsewhere with an email in use included."""
        people = [person() for _ in range(60)]
        await add(store.profiles, *people)
        other = [person(email=p.email, deleted_at=AT) for p in people]
        await write(store.profiles, *map(created, other))
        second = [updated(p, name="Second") for p in people]
        await write(store.profiles, *second)
        third = [deleted(change.profile) for change in second]
        await write(store.profiles, *third)
        found = await store.profiles.get([p.id for p in (*people, *other)])
        assert found == {p.id: p for p in (*(change.profile for change in third), *other)}

    # Writing at once

    async def test_tasks_that_bump_one_profile_lose_no_update(self, store: Store) -> None:
        profile = person(bio="0")
        await add(store.profiles, profile)

        async def bump() -> None:
            while True:
                now = (await store.profiles.get([profile.id]))[profile.id]
                change = updated(now, bio=str(int(now.bio) + 1))
                (outcome,) = await store.profiles.write([change], atomic=False)
                if isinstance(outcome, Event):
                    return
                assert outcome.code == "stale_version"

        await asyncio.gather(*(bump() for _ in range(100)))
        last = (await store.profiles.get([profile.id]))[profile.id]
        assert (last.version, last.bio) == (101, "100")
        events = await store.log.read(0, 1_000)
        assert [e.version for e in events] == list(range(1, 102))
        assert [e.data["bio"] for e in events] == [str(n) for n in range(101)]

    async def test_a_cancelled_write_is_whole_or_not_at_all(self, store: Store) -> None:
        people = [person() for _ in range(60)]
        writes = [
            asyncio.create_task(store.profiles.write([created(p)], atomic=False)) for p in people
        ]
        for turn, task in enumerate(writes):
            if turn % 3 == 0:
                await asyncio.sleep(0)
            if turn % 2:
                task.cancel()
        results = await asyncio.gather(*writes, return_exceptions=True)
        await add(store.profiles, person())  # what was cancelled is over before this is
        rows = set(await store.profiles.get([p.id for p in people]))
        events = await store.log.read(0, 1_000)
        logged = [e.profile_id for e in events][:-1]
        assert len(logged) == len(set(logged))
        assert rows == set(logged)
        for profile, result in zip(people, results, strict=True):
            assert profile.id in rows or isinstance(result, asyncio.CancelledError)

    # Purging

    async def test_purge_takes_old_tombstones_and_what_the_log_says_of_them(
        self, store: Store
    ) -> None:
        old, fresh, alive = person(), person(), person()
        await add(store.profiles, old, fresh, alive)
        limit = AT + timedelta(days=30)
        await write(store.profiles, updated(old, name="Secret"))
        (stored,) = (await store.profiles.get([old.id])).values()
        await write(store.profiles, deleted(stored, limit - SECOND), deleted(fresh, limit))
        before = await store.log.read(0, 100)
        assert await store.profiles.purge(limit) == 1
        assert await store.profiles.purge(limit) == 0
        assert set(await store.profiles.get([old.id, fresh.id, alive.id])) == {fresh.id, alive.id}
        after = await store.log.read(0, 100)
        assert [e.position for e in after] == [e.position for e in before]
        for was, now in zip(before, after, strict=True):
            if was.profile_id == old.id:
                assert now.data == {}
                assert (now.type, now.version, now.at) == (was.type, was.version, was.at)
            else:
                assert now == was

    async def test_what_was_purged_may_come_anew(self, store: Store) -> None:
        profile = person()
        await add(store.profiles, profile)
        gone = deleted(profile)
        await write(store.profiles, gone)
        await store.profiles.purge(gone.profile.updated_at + SECOND)
        (refusal,) = await store.profiles.write([restored(gone.profile)], atomic=False)
        assert isinstance(refusal, Conflict)
        assert refusal.version is None
        await add(store.profiles, profile)
        assert await store.profiles.get([profile.id]) == {profile.id: profile}

    async def test_purge_takes_any_number(self, store: Store) -> None:
        people = [person() for _ in range(1_100)]
        await add(store.profiles, *people)
        await write(store.profiles, *(deleted(p, AT + timedelta(days=1)) for p in people))
        assert await store.profiles.purge(AT + timedelta(days=2)) == 1_100
        assert await store.profiles.get([p.id for p in people]) == {}
        assert {str(e.data) for e in await store.log.read(0, 3_000)} == {"{}"}

    # Erasing

    async def test_erase_takes_a_tombstone_of_any_age_and_what_the_log_says_of_it(
        self, store: Store
    ) -> None:
        gone, other, alive = person(), person(), person()
        await add(store.profiles, gone, other, alive)
        change = updated(gone, name="Secret")
        other_gone = deleted(other)
        await write(store.profiles, change, deleted(change.profile), other_gone)
        before = await store.log.read(0, 100)
        assert await store.profiles.erase([gone.id]) == 1
        kept = {other.id: other_gone.profile, alive.id: alive}
        assert await store.profiles.get([gone.id, other.id, alive.id]) == kept
        expected = [replace(e, data={}) if e.profile_id == gone.id else e for e in before]
        assert list(await store.log.read(0, 100)) == expected

    @pytest.mark.parametrize("verb", ["erase", "purge"])
    async def test_what_an_owner_did_to_it_is_nobodys_then(self, store: Store, verb: str) -> None:
        """Of all who owned it. A subject names a person; what others did stays theirs."""
        one, other = person(owner="one"), person(owner="other")
        given = updated(one, actor="ops", owner="heir")
        renamed = updated(given.profile, actor="heir", name="Secret")
        helped = updated(renamed.profile, actor="other")
        await write(store.profiles, created(one, "one"), created(other, "other"))
        await write(store.profiles, given, renamed, helped, updated(other, actor="one"))
        await write(store.profiles, gone := deleted(helped.profile))
        if verb == "erase":
            await store.profiles.erase([one.id])
        else:
            await store.profiles.purge(gone.profile.updated_at + SECOND)
        history = await store.log.history(one.id, None, 10)
        assert [event.actor for event in history] == [None, "other", None, "ops", None]
        assert [e.actor for e in await store.log.history(other.id, None, 10)] == ["one", "other"]

    async def test_a_living_profile_is_not_erased(self, store: Store) -> None:
        """Whoever follows the log has to be told of its end before."""
        alive, gone = person(), person()
        (event, _) = await add(store.profiles, alive, gone)
        await write(store.profiles, deleted(gone))
        assert await store.profiles.erase([alive.id, gone.id]) == 1
        assert await store.profiles.get([alive.id, gone.id]) == {alive.id: alive}
        assert list(await store.log.history(alive.id, None, 10)) == [event]

    async def test_erase_may_be_repeated(self, store: Store) -> None:
        gone = person()
        await add(store.profiles, gone)
        await write(store.profiles, deleted(gone))
        ids = [gone.id, new_id(), gone.id]
        assert [await store.profiles.erase(ids) for _ in range(3)] == [1, 0, 0]
        assert await store.profiles.erase([]) == 0
        assert [e.data for e in await store.log.history(gone.id, None, 10)] == [{}, {}]

    async def test_what_was_erased_may_come_anew_and_be_erased_again(self, store: Store) -> None:
        profile = person()
        for times in (1, 2):
            await add(store.profiles, profile)
            assert await store.profiles.get([profile.id]) == {profile.id: profile}
            gone = deleted(profile)
            await write(store.profiles, gone)
            assert await store.profiles.erase([profile.id]) == 1
            (refusal,) = await store.profiles.write([restored(gone.profile)], atomic=False)
            assert isinstance(refusal, Conflict)
            assert refusal.version is None
            history = await store.log.history(profile.id, None, 10)
            assert [e.data for e in history] == [{}] * 2 * times

    async def test_erase_takes_any_number(self, store: Store) -> None:
        people = [person() for _ in range(1_100)]
        await add(store.profiles, *people)
        await write(store.profiles, *map(deleted, people[1:]))
        assert await store.profiles.erase({p.id for p in people}) == 1_099
        assert await store.profiles.get([p.id for p in people]) == {people[0].id: people[0]}
