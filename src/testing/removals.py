"""What every adapter of the Profiles port does when profiles go for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from profilecore.errors import Conflict
from profilecore.identifiers import new_id
from profilecore.testing.places import Store
from profilecore.testing.samples import (
    AT,
    SECOND,
    add,
    created,
    deleted,
    person,
    restored,
    updated,
    write,
)
from profilecore.testing.store import StoreContract


class RemovalsContract(StoreContract):
    """A part of ProfilesContract: purges and erasures."""

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
