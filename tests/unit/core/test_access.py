"""Who asks, and the view of somebody whose own profiles are all there are."""

import pytest

from profilecore.access import ANYBODY, Caller, Scope
from profilecore.adapters.memory import MemoryStore
from profilecore.batch import Item, run_batch
from profilecore.errors import Conflict, Denied, NotFound
from profilecore.paging import Query
from profilecore.profile import Profile
from profilecore.service import ProfileService
from profilecore.written import Written
from tests.unit.core.doubles import Process


@pytest.fixture
async def service() -> ProfileService:
    process = Process(MemoryStore(), trust=60)
    await process.feed.start()
    return process.service


async def made(service: ProfileService, owner: str | None) -> Profile:
    email = f"{owner}@example.com"
    return (await service.create({"name": "Ada", "email": email}, actor=owner)).profile


def test_a_scope_that_is_not_held_is_named() -> None:
    caller = Caller("me", frozenset({Scope.PROFILES_READ}))
    caller.require()
    caller.require(Scope.PROFILES_READ)
    with pytest.raises(Denied, match="scope profiles:write and ops") as denied:
        caller.require(Scope.PROFILES_WRITE, Scope.PROFILES_READ, Scope.OPS)
    assert denied.value.code == "forbidden"
    ANYBODY.require(*Scope)


async def test_an_owner_has_what_is_their_own(service: ProfileService) -> None:
    mine, other = await made(service, "me"), await made(service, "you")
    view = service.within("me")
    for _ in range(2):  # from the store, and from the cache
        assert (await view.read(mine.id, seen=10**6)).profile == mine
        assert (await view.read(mine.id)).profile == mine
    assert (await view.list(Query())).profiles == (mine,)
    changed = await view.update(mine.id, {"name": "Eva"}, expected=None, actor="me")
    assert len(await view.history(mine.id, before=None, limit=9)) == 2
    await view.remove(mine.id, expected=changed.profile.version, actor="me")
    assert (await view.restore(mine.id, expected=None, actor="me")).profile.name == "Eva"
    assert [profile.id async for page in view.export() for profile in page] == [mine.id]
    assert (await view.create({"name": "n", "email": "n@x.de"}, actor="me")).profile.owner == "me"
    assert (await service.read(other.id)).profile == other, "the service itself is as it was"


@pytest.mark.parametrize("owner", ["you", None, "Me"])
async def test_what_is_another_s_is_not_there(service: ProfileService, owner: str | None) -> None:
    """Not forbidden: that would say that there is one."""
    other = await made(service, owner)
    view = service.within("me")
    for in_cache in (True, False):
        with pytest.raises(NotFound):
            await view.read(other.id, seen=0 if in_cache else 10**6)
        for expected in (None, 1, 2):
            with pytest.raises(NotFound):
                await view.update(other.id, {"name": "x"}, expected=expected, actor="me")
            with pytest.raises(NotFound):
                await view.remove(other.id, expected=expected, actor="me")
    with pytest.raises(NotFound):
        await view.history(other.id, before=None, limit=9)
    items = [Item(op, other.id, {}, None) for op in ("update", "delete")]
    outcomes = await run_batch(view, items, atomic=False, actor="me")
    assert [type(outcome) for outcome in outcomes] == [NotFound, NotFound]
    assert await view.stored([other.id]) == {}
    await service.remove(other.id, expected=None, actor=None)
    with pytest.raises(NotFound):
        await view.restore(other.id, expected=None, actor="me")
    assert (await service.stored([other.id]))[other.id].version == 2


async def test_a_profile_that_was_given_away_is_another_s(service: ProfileService) -> None:
    mine = await made(service, "me")
    given = await service.update(mine.id, {"owner": "you"}, expected=None, actor="admin")
    assert given.profile.owner == "you"
    with pytest.raises(NotFound):
        await service.within("me").read(mine.id)
    assert (await service.within("you").read(mine.id)).profile == given.profile
    freed = await service.update(mine.id, {"owner": None}, expected=None, actor="admin")
    assert freed.profile.owner is None


async def test_an_email_is_unique_among_all(service: ProfileService) -> None:
    await made(service, "you")
    with pytest.raises(Conflict, match="email"):
        await service.within("me").create({"name": "x", "email": "you@example.com"}, actor="me")


async def test_who_made_a_profile_for_another_is_not_its_owner(service: ProfileService) -> None:
    values = {"name": "x", "email": "x@example.com", "owner": "you"}
    outcome = await service.create(values, actor="admin")
    assert isinstance(outcome, Written)
    assert outcome.profile.owner == "you"
