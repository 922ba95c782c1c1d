"""How long Redis keeps what is known not to be there, and the floors under it."""

from collections.abc import AsyncIterator

import pytest

from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.adapters.redis.cache import ABSENT_FOR, FLOOR_KEPT
from profilecore.identifiers import new_id
from profilecore.profile import Absence
from profilecore.relay import Horizon
from profilecore.testing.samples import person, updated
from tests.support.redis import RedisProcess

PREFIX = "absences"


@pytest.fixture
async def cache(server: RedisProcess) -> AsyncIterator[RedisCache]:
    at = RedisServer(host="127.0.0.1", port=server.port)
    cache = RedisCache(at, Horizon(0), prefix=PREFIX)
    await cache.open()
    await cache.begin(0, None)
    yield cache
    await cache.close()


async def test_a_floor_is_kept_as_long_as_ever_under_an_absence(
    cache: RedisCache, server: RedisProcess
) -> None:
    """It is as short-lived as a reader needs; a packet may be stuck for longer."""
    first = person()
    second = updated(first).profile
    await cache.drop(first.id, 3)
    await cache.put(Absence(first.id, 3))
    key = f"{PREFIX}:{first.id.hex}"
    with server.client() as client:
        assert client.pttl(key) > FLOOR_KEPT * 1000
        client.pexpire(key, 60_000)
    await cache.put(Absence(first.id, 3))
    await cache.put(second)
    assert await cache.get([first.id]) == {first.id: Absence(first.id, 3)}


async def test_an_unknown_id_takes_room_for_as_long_as_it_is_of_use(
    cache: RedisCache, server: RedisProcess
) -> None:
    id_ = new_id()
    await cache.put(Absence(id_, 0))
    with server.client() as client:
        assert 0 < client.pttl(f"{PREFIX}:{id_.hex}") <= ABSENT_FOR * 1000


async def test_events_meet_absences(cache: RedisCache) -> None:
    """As they meet copies: what the log made newer is gone, the rest stays."""
    made, same = new_id(), new_id()
    await cache.put(Absence(made, 0))
    await cache.put(Absence(same, 2))
    await cache.drop(made, 1)
    await cache.drop(same, 2)
    assert await cache.get([made, same]) == {same: Absence(same, 2)}
