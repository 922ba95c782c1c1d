"""Many writers at once, in one process and in several."""

import asyncio
import random
import sys
from pathlib import Path

import psycopg
import pytest

from profilecore.adapters.memory import MemoryCache, MemoryLog, MemoryProfiles, MemoryStore
from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.entrypoints.opening import opened
from profilecore.entrypoints.settings import Settings
from profilecore.errors import Conflict, Invalid, NotFound, Unavailable
from profilecore.event import Change, Event, EventType
from profilecore.feed import Feed
from profilecore.ports import Profiles
from profilecore.profile import Profile
from profilecore.service import ProfileService
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
from tests.support.campaign import dice, rounds
from tests.support.postgres import emptied, execute, settings, using
from tests.support.processes import environment

ROOT = Path(__file__).parents[3]
WRITERS = 32
TURNS = rounds(25, 100)


def service_on(database: PostgresDatabase) -> ProfileService:
    log = PostgresLog(database)
    feed = Feed(MemoryCache(), log)
    return ProfileService(PostgresProfiles(database), log, feed)


@pytest.mark.campaign
async def test_a_storm_of_updates_loses_none(address: PostgresAddress) -> None:
    """32 writers, 100 increments each in full, on one profile, through the adapters of two."""
    databases = [PostgresDatabase(address, statement_timeout=10) for _ in range(2)]
    for database in databases:
        await database.open()
    services = [service_on(database) for database in databases]
    made = await services[0].create(
        {"name": "Ada", "email": "a@example.com", "bio": "0"}, actor=None
    )
    id_ = made.profile.id

    async def increments(service: ProfileService) -> None:
        done = tries = 0
        while done < TURNS:
            seen = (await service.read(id_, seen=1)).profile
            values = {"bio": str(int(seen.bio) + 1)}
            try:
                await service.update(id_, values, expected=seen.version, actor=None)
            except Conflict as conflict:
                assert conflict.code == "stale_version"  # noqa: PT017 - either end will do
                tries += 1
                # As a good client does: the longer, the more often others were faster.
                await asyncio.sleep(random.random() * min(0.8, 0.05 * 2**tries))
            else:
                done, tries = done + 1, 0

    await asyncio.gather(*(increments(services[n % 2]) for n in range(WRITERS)))
    last = (await services[1].read(id_, seen=1)).profile
    assert (last.bio, last.version) == (str(WRITERS * TURNS), WRITERS * TURNS + 1)
    assert await PostgresLog(databases[0]).position() == WRITERS * TURNS + 1
    for database in databases:
        await database.close()


class Writing:
    """A process that writes; `positions` are those that it was told."""

    def __init__(self, address: PostgresAddress, name: str, writes: int) -> None:
        self._address, self._arguments = address, (name, str(writes))
        self.positions: list[int] = []

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.integration.postgres.writing", *self._arguments),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=environment(**settings(self._address)),
        )
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.positions.append(int(line))


async def test_a_reader_that_follows_misses_nothing_of_several_processes(
    address: PostgresAddress, opened: PostgresDatabase
) -> None:
    """Positions have no gaps, and none is filled after it was passed; one process is killed."""
    writers = [Writing(address, f"w{n}", 10_000 if n == 0 else 60) for n in range(4)]
    for writer in writers:
        await writer.start()
    log = PostgresLog(opened)
    followed: list[Event] = []

    async def follow() -> None:
        while events := await log.read(followed[-1].position if followed else 0, 50):
            followed.extend(events)

    finishing = asyncio.gather(*(writer.process.wait() for writer in writers[1:]))
    while not finishing.done():
        await follow()
        await asyncio.sleep(0)
    assert await finishing == [0, 0, 0]
    writers[0].process.kill()
    await asyncio.gather(*(writer.reading for writer in writers), writers[0].process.wait())
    await opened.fetch("SELECT pg_advisory_xact_lock(5787213827046133101)", ())
    await follow()
    positions = [event.position for event in followed]
    assert positions == list(range(1, len(positions) + 1))
    answered = [position for writer in writers for position in writer.positions]
    assert len(answered) == len(set(answered)) > 500
    assert set(answered) <= set(positions)
    assert await PostgresProfiles(opened).get([e.profile_id for e in followed[:50]])


@pytest.mark.campaign
async def test_many_changes_are_answered_as_memory_answers_them(opened: PostgresDatabase) -> None:
    """Creations that do not meet are made by one statement, all else one by one."""
    store, chance = MemoryStore(), dice("many")
    real, model = PostgresProfiles(opened), MemoryProfiles(store)
    known = [person() for _ in range(40)]
    for _ in range(rounds(30, 1_000)):
        changes, current = list[Change](), await model.get([p.id for p in known])
        for profile in chance.sample(known, chance.randrange(15, 35)):
            there = current.get(profile.id)
            if there is None or chance.random() < 0.1:
                changes.append(created(profile))
            elif there.deleted_at is not None:
                changes.append(restored(there))
            elif chance.random() < 0.5:
                email = chance.choice([there, there, there, *known[:1]]).email
                changes.append(updated(there, email=email))
            else:
                changes.append(deleted(there))
        new = [person() for _ in range(chance.choice([0, 30]))]
        if new and chance.random() < 0.5:
            changes = []
        if new and chance.random() < 0.5:
            new[chance.randrange(30)] = person(email=chance.choice([*known, *new]).email)
        changes += map(created, new)
        atomic = chance.random() < 0.3
        told = [await told_by(profiles, changes, atomic) for profiles in (real, model)]
        assert told[0] == told[1]
    assert list(await PostgresLog(opened).read(0, 10**6)) == list(
        await MemoryLog(store).read(0, 10**6)
    )


async def told_by(profiles: Profiles, changes: list[Change], atomic: bool) -> list[object]:
    """What can be compared of the answer to a call."""
    try:
        outcomes = await profiles.write(changes, atomic=atomic)
    except Conflict as conflict:
        return [conflict.code, conflict.version, conflict.item]
    return [o if isinstance(o, Event) else (o.code, getattr(o, "version", 0)) for o in outcomes]


async def test_callers_that_share_a_call_keep_their_own_promises(
    opened: PostgresDatabase,
) -> None:
    """What is refused or cannot be kept is its caller's alone, and leaves no gap."""
    profiles = PostgresProfiles(opened)
    taken, good, late = person(), person(), person()
    await add(profiles, taken)
    huge = created(person(), actor="a\0b")
    far = Change(EventType.CREATED, person(version=2**70), 0)
    results = await asyncio.gather(
        profiles.write([created(person()), created(person(email=taken.email))], atomic=True),
        profiles.write([created(good)], atomic=False),
        profiles.write([huge], atomic=False),
        profiles.write([far], atomic=False),
        profiles.write([created(person(email=taken.email)), created(late)], atomic=False),
        return_exceptions=True,
    )
    atomic, alone, nul, large, partly = results
    assert isinstance(atomic, Conflict)
    assert (atomic.code, atomic.item) == ("email_taken", 1)
    assert isinstance(alone, list)
    assert isinstance(nul, Invalid)
    assert isinstance(large, Invalid)
    assert isinstance(partly, list)
    assert isinstance(partly[0], Conflict)
    events = await PostgresLog(opened).read(0, 10)
    assert [(e.position, e.profile_id) for e in events] == [
        (1, taken.id),
        (2, good.id),
        (3, late.id),
    ]


async def test_a_value_that_only_the_database_refuses_is_its_callers_alone(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    execute(
        address,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'no' USING ERRCODE = 'numeric_value_out_of_range'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON profiles FOR EACH ROW"
        " WHEN (NEW.name = 'Bad') EXECUTE FUNCTION refuse()",
    )
    profiles = PostgresProfiles(opened)
    people = [person(name="Bad" if n == 3 else "Good") for n in range(8)]
    results = await asyncio.gather(
        *(profiles.write([created(p)], atomic=False) for p in people), return_exceptions=True
    )
    assert [isinstance(result, Invalid) for result in results] == [n == 3 for n in range(8)]
    assert len(await profiles.get([p.id for p in people])) == 7


async def test_a_snapshot_of_before_the_wait_is_refused(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    """With REPEATABLE READ a writer would not see what it waited for."""
    isolation = "default_transaction_isolation = 'repeatable read'"
    execute(address, f"ALTER DATABASE {address.name} SET {isolation}")
    async with using(address) as database:
        with pytest.raises(Unavailable) as refused:
            await add(PostgresProfiles(database), person())
        assert "READ COMMITTED" in str(refused.value.__cause__)
        assert await PostgresLog(opened).position() == 0


@pytest.mark.parametrize("verb", ["purge", "erase"])
async def test_removal_and_restore_take_turns(opened: PostgresDatabase, verb: str) -> None:
    """A tombstone on its way out is brought back whole, or not at all."""
    profiles, log = PostgresProfiles(opened), PostgresLog(opened)

    async def remove(profile: Profile) -> int:
        if verb == "erase":
            return await profiles.erase([profile.id])
        return await profiles.purge(profile.updated_at.replace(year=9000))

    for _ in range(20):
        profile = person()
        await add(profiles, profile)
        gone = deleted(profile, AT)
        await write(profiles, gone)
        change = restored(gone.profile)
        removed, (outcome,) = await asyncio.gather(
            remove(gone.profile), profiles.write([change], atomic=False)
        )
        rows = await profiles.get([profile.id])
        first = (await log.history(profile.id, None, 10))[-1]
        assert removed == (0 if isinstance(outcome, Event) else 1)
        assert bool(rows) == isinstance(outcome, Event) == bool(first.data)
        if rows:
            again = deleted(change.profile, AT)
            await write(profiles, again)
            await remove(again.profile)


async def test_an_update_keeps_the_indexes_true(opened: PostgresDatabase) -> None:
    profiles, one = PostgresProfiles(opened), person(name="Zoë")
    await add(profiles, one)
    await write(profiles, updated(one, name="Ada", email="other@example.com"))
    ((name, key),) = await opened.fetch("SELECT name_key, email_key FROM profiles", ())
    assert (name, key) == ("ada", "other@example.com")


async def test_of_two_who_trim_at_once_the_later_end_stays(
    opened: PostgresDatabase, address: PostgresAddress
) -> None:
    profiles, log = PostgresProfiles(opened), PostgresLog(opened)
    events = await add(profiles, *(person(updated_at=AT + n * SECOND) for n in range(6)))
    with psycopg.connect(address.conninfo()) as other:
        other.execute("DELETE FROM events WHERE position <= 4")
        other.execute("UPDATE log SET trimmed = 4")
        trimming = asyncio.create_task(log.trim(events[2].at))
        await asyncio.sleep(0.3)
        assert not trimming.done()
    assert await trimming == 0
    with pytest.raises(NotFound):
        await log.read(3, 10)
    assert list(await log.read(4, 10)) == events[4:]


async def test_a_server_that_has_less_than_was_written_is_not_written_to(
    address: PostgresAddress,
) -> None:
    """It was restored, or another has taken over from it; who knows more does not hide that."""
    async with using(address) as database, using(address) as other:
        profiles = PostgresProfiles(database)
        await add(profiles, person(), person())
        emptied(address)
        with pytest.raises(Unavailable, match="behind"):
            await add(profiles, person())
        await add(PostgresProfiles(other), person())


async def test_the_feed_of_a_process_hears_of_a_new_era(address: PostgresAddress) -> None:
    """Also before anything was written in it."""
    given = {"SERVER_HOST": "127.0.0.1", **settings(address)}
    async with opened(Settings.read("dev", given)) as parts:
        await parts.feed.advance()
        assert parts.feed._era == 0
        database = parts.feed._store_era.__self__  # type: ignore[attr-defined]
        database.saw(1 << 40)
        await parts.feed.advance()
        assert parts.feed._era == 1
