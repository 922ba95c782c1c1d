"""The primary is killed, or handed over: writes go on elsewhere, without a restart."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from profilecore.adapters.memory import MemoryCache
from profilecore.adapters.postgres import PostgresDatabase, PostgresLog, PostgresProfiles
from profilecore.errors import Conflict, NotFound, Unavailable
from profilecore.event import Event, era
from profilecore.feed import Feed
from profilecore.profile import Profile
from profilecore.service import ProfileService
from profilecore.testing.samples import add, created, person
from tests.support.http import PROFILES
from tests.support.postgres import Postgres, execute, using
from tests.support.processes import serving
from tests.support.redis import RedisProcess
from tests.support.replication import Pair, replicated, soon, until

WRITING_AGAIN_MAX = 5.0


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


class Writers:
    """Write new profiles all the time, and remember what was acknowledged and when."""

    def __init__(self, profiles: PostgresProfiles) -> None:
        self._profiles = profiles
        self.acknowledged: dict[UUID, tuple[float, int]] = {}
        self.refused = 0

    @asynccontextmanager
    async def at_work(self, number: int = 4) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write()) for _ in range(number)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            profile = person()
            try:
                (event,) = await self._profiles.write([created(profile)], atomic=False)
            except Unavailable:
                self.refused += 1
                await asyncio.sleep(0.05)
            else:
                assert isinstance(event, Event)
                self.acknowledged[profile.id] = (time.monotonic(), event.position)

    async def until_writing(self, since: float) -> float:
        """How many seconds after `since` a write was acknowledged by who began then."""
        number = len(self.acknowledged)
        await soon(lambda: len(self.acknowledged) > number, 30)
        return time.monotonic() - since


def kept(pair: Pair, server: Postgres) -> set[UUID]:
    address = next(a for a in pair.hosts if a.port == server.port)
    return {id_ for (id_,) in execute(address, "SELECT id FROM profiles")}


async def test_a_killed_primary_with_a_synchronous_replica_loses_nothing(pair: Pair) -> None:
    pair.synchronous()
    async with pair.using() as database:
        writers = Writers(PostgresProfiles(database))
        async with writers.at_work():
            await asyncio.sleep(1)
            before = len(writers.acknowledged)
            pair.primary.kill()
            await asyncio.to_thread(pair.replica.promote)
            seconds = await writers.until_writing(time.monotonic())
            await asyncio.sleep(1)
        assert before > 0
        assert writers.refused > 0
        assert seconds < WRITING_AGAIN_MAX
        assert set(writers.acknowledged) <= kept(pair, pair.replica)
        assert {server.role for server in database.servers()} == {"primary", "lost"}


async def test_what_a_synchronous_replica_has_not_confirmed_is_not_acknowledged(
    pair: Pair,
) -> None:
    """Nor by the time-out of a statement, which would end the server's wait, not the commit."""
    pair.synchronous()
    async with pair.using() as database:
        profiles = PostgresProfiles(database)
        pair.replica.freeze()
        try:
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await add(profiles, person())
        finally:
            pair.replica.thaw()
        writers = Writers(profiles)
        async with writers.at_work():
            assert await writers.until_writing(time.monotonic()) < WRITING_AGAIN_MAX


async def test_what_an_asynchronous_replica_had_not_is_lost_and_nowhere_kept(pair: Pair) -> None:
    """Its position is never used again, and no cache goes on giving it."""
    async with pair.using() as database:
        profiles, log = PostgresProfiles(database), PostgresLog(database)
        profile = person()
        await add(profiles, profile)
        pair.caught_up()
        feed = Feed(MemoryCache(), log, store_era=database.era)
        service = ProfileService(profiles, log, feed, announce=feed.wake, known=feed.known)
        await feed.start()
        following = asyncio.create_task(feed.follow())
        for process in pair.primary.processes():
            if "walsender" in " ".join(process.cmdline()):
                process.suspend()
        written = await service.update(profile.id, {"bio": "lost"}, expected=1, actor=None)
        assert (await service.read(profile.id)).profile == written.profile
        await soon(lambda: feed.position == written.position, 5)
        pair.primary.kill()
        await asyncio.to_thread(pair.replica.promote)
        await soon(lambda: feed.position < written.position and feed.current, 10)
        assert (await service.read(profile.id)).profile == profile
        again = await service.update(profile.id, {"bio": "kept"}, expected=1, actor=None)
        assert (era(written.position), era(again.position)) == (0, 1)
        with pytest.raises(NotFound):
            await log.read(written.position, 10)
        await soon(lambda: feed.position == again.position, 5)
        assert (await service.read(profile.id)).profile == again.profile
        following.cancel()


async def test_a_planned_switch_over_loses_nothing(pair: Pair) -> None:
    """The old primary is stopped, and comes back as a replica of the new one."""
    async with pair.using() as database:
        writers = Writers(PostgresProfiles(database))
        async with writers.at_work():
            await asyncio.sleep(0.5)
            began = time.monotonic()
            await asyncio.to_thread(pair.primary.stop)
            await asyncio.to_thread(pair.replica.promote)
            await asyncio.to_thread(pair.primary.follow, pair.replica)
            assert await writers.until_writing(began) < WRITING_AGAIN_MAX + 5  # with the rewind
            await asyncio.sleep(1)
        assert set(writers.acknowledged) <= kept(pair, pair.replica)
        await soon(lambda: [s.role for s in database.servers()] == ["replica", "primary"], 10)
        assert await PostgresProfiles(database).get(list(writers.acknowledged)[-5:])


async def test_a_primary_that_does_not_know_that_it_is_over_gets_no_writes(pair: Pair) -> None:
    """The replica is promoted while the old primary goes on: within seconds all go to the new."""
    async with pair.using() as database:
        writers = Writers(PostgresProfiles(database))
        async with writers.at_work():
            await asyncio.sleep(0.5)
            await asyncio.to_thread(pair.replica.promote)
            promoted_at = time.monotonic()
            await asyncio.sleep(WRITING_AGAIN_MAX)
        new = kept(pair, pair.replica)
        elsewhere = [at for id_, (at, _) in writers.acknowledged.items() if id_ not in new]
        assert max(elsewhere, default=0) - promoted_at < WRITING_AGAIN_MAX / 2
        late = [at for at, _ in writers.acknowledged.values() if at > promoted_at + 3]
        assert late
        # Who has seen the new one is refused by the old one, whichever way leads there.
        async with using(pair.hosts[0]) as misled:
            misled.saw(max(position for _, position in writers.acknowledged.values()))
            with pytest.raises(Unavailable, match="behind"):
                await _written(PostgresProfiles(misled), person())


async def test_a_service_goes_on_over_http(pair: Pair, tmp_path: Path) -> None:
    """One process from before the fail-over to after it; each answer is a 201 or a 503."""
    settings = pair.settings() | {"LOG_LEVEL": "info"}
    with serving(tmp_path, **settings) as (server, client):
        before = _post(client, 1)
        assert before.status_code == 201
        id_, token = before.json()["id"], before.headers["x-consistency-token"]
        pair.caught_up()
        pair.primary.kill()
        pair.replica.promote()
        promoted_at, number = time.monotonic(), 1
        while True:
            number += 1
            answer = _post(client, number)
            if answer.status_code == 201:
                break
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"]
            assert time.monotonic() - promoted_at < WRITING_AGAIN_MAX
        headers = {"X-Consistency-Token": token}
        assert client.get(f"{PROFILES}/{id_}", headers=headers).status_code == 200
        assert client.get("/health/ready").status_code == 200
        # The new one may have said that it is one before the old one was found not to answer.
        until(lambda: 'database_servers{role="lost"} 1.0' in client.get("/metrics").text)
    assert "is the primary now" in server.errors


async def test_what_was_lost_leaves_redis_too(pair: Pair, tmp_path: Path) -> None:
    """Its copy there is newer than all that is left; no comparison of versions finds it."""
    with RedisProcess(tmp_path / "redis") as redis:
        given = pair.settings() | {"CACHE": "redis", "REDIS_ADDRESS": redis.address}
        with serving(tmp_path / "service", **given) as (server, client):
            id_ = _post(client, 1).json()["id"]
            path = f"{PROFILES}/{id_}"
            pair.caught_up()
            for process in pair.primary.processes():
                if "walsender" in " ".join(process.cmdline()):
                    process.suspend()
            assert client.put(path, json={"bio": "lost"}).status_code == 200
            assert client.get(path).json()["profile"]["bio"] == "lost"
            pair.primary.kill()
            pair.replica.promote()
            deadline = time.monotonic() + 30
            while "the cache has turned back" not in server.errors.partition("it was emptied")[2]:
                assert time.monotonic() < deadline, server.errors
                await asyncio.sleep(0.1)
            readings = [client.get(path).json() for _ in range(3)]
            for found in readings:
                assert (found["profile"]["bio"], found["profile"]["version"]) == ("", 1)
            assert readings[-1]["source"] == "cache"
            assert client.put(path, json={"bio": "kept"}).json()["version"] == 2
            assert client.get(path).json()["profile"]["bio"] == "kept"


async def test_a_start_during_a_fail_over_waits_for_the_promotion(pair: Pair) -> None:
    pair.primary.kill()
    opening = asyncio.create_task(_opened(pair))
    await asyncio.sleep(1)
    assert not opening.done()
    await asyncio.to_thread(pair.replica.promote)
    await asyncio.wait_for(opening, 10)


async def test_two_replicas_and_no_primary_are_told(pair: Pair) -> None:
    database = PostgresDatabase(pair.hosts[1], connect_timeout=0.5)
    with pytest.raises(Unavailable, match="it is a replica, and the primary is needed"):
        await database.open()


async def _opened(pair: Pair) -> None:
    async with pair.using() as database:
        await database.ping()


async def _written(profiles: PostgresProfiles, profile: Profile) -> None:
    (outcome,) = await profiles.write([created(profile)], atomic=False)
    assert not isinstance(outcome, Conflict)


def _post(client: httpx.Client, number: int) -> httpx.Response:
    return client.post(PROFILES, json={"name": "Ada", "email": f"ada{number}@example.com"})
