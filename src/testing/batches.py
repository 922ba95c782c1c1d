"""What every adapter of the Profiles port does with many changes at once."""

import asyncio

import pytest

from profilecore.errors import Conflict
from profilecore.event import Event
from profilecore.paging import Query
from profilecore.testing.places import Store
from profilecore.testing.samples import (
    AT,
    add,
    created,
    deleted,
    person,
    restored,
    updated,
    write,
)
from profilecore.testing.store import StoreContract


class BatchesContract(StoreContract):
    """A part of ProfilesContract: writes of many changes."""

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
