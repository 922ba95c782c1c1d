"""Each operation is one round trip, and writes that wait together are one as well."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import Any

import pytest

from profilecore.adapters.postgres import (
    PostgresAddress,
    PostgresDatabase,
    PostgresLog,
    PostgresProfiles,
)
from profilecore.event import Event
from profilecore.paging import Count, Query, Sort
from profilecore.receipt import Receipt, Repeated
from profilecore.testing.samples import (
    AT,
    add,
    created,
    deleted,
    person,
    updated,
)
from tests.support.postgres import using
from tests.support.relay import Relay, relayed


@pytest.fixture
async def relay(address: PostgresAddress, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    for name in ("PGSSLMODE", "PGGSSENCMODE"):
        monkeypatch.setenv(name, "disable")  # the relay has to understand what passes
    async with relayed(address.host, address.port) as relay:
        yield relay


@pytest.fixture
async def database(relay: Relay, address: PostgresAddress) -> AsyncIterator[PostgresDatabase]:
    through = replace(address, host="127.0.0.1", port=relay.port, prepared=False)
    async with using(through, pool_max=1) as database:
        await database.ping()
        yield database


async def test_each_operation_is_one_round_trip(relay: Relay, database: PostgresDatabase) -> None:
    profiles, log = PostgresProfiles(database), PostgresLog(database)
    people = [person() for _ in range(200)]
    await add(profiles, *people)
    page = await profiles.list(Query(limit=10, sort=Sort.NAME))
    ids = [p.id for p in people]
    some, receipt = person(), Receipt.of("me", "POST", "key")
    operations: list[Awaitable[Any]] = [
        profiles.get(ids[:1]),
        profiles.get(ids),
        profiles.list(Query(count=Count.EXACT)),
        profiles.list(Query(count=Count.ESTIMATED, q="person")),
        profiles.list(Query(limit=10, sort=Sort.NAME, after=page.next)),
        profiles.list(Query(ids=frozenset(ids[:9]), email=people[0].email)),
        profiles.list(Query(email=people[0].email)),
        profiles.write([created(some)], atomic=False),
        profiles.write([updated(some), deleted(updated(some).profile)], atomic=True),
        profiles.purge(AT),
        profiles.erase(ids),
        profiles.write([created(person())], atomic=False, receipt=receipt),
        profiles.write([], atomic=False, receipt=Receipt.of("me", "POST", "other")),
        log.read(0, 100),
        log.get([1, 2, 3]),
        log.history(some.id, None, 10),
        log.position(),
        log.trim(AT),
        database.ping(),
    ]
    for operation in operations:
        before = relay.trips
        await operation
        assert relay.trips - before == 1


async def test_writes_that_wait_are_sent_together(relay: Relay, database: PostgresDatabase) -> None:
    profiles = PostgresProfiles(database)
    before = relay.trips
    people = [person() for _ in range(100)]
    results = await asyncio.gather(
        *(profiles.write([created(p)], atomic=bool(n % 2)) for n, p in enumerate(people))
    )
    assert relay.trips - before == 1
    positions = [event.position for (event,) in results if isinstance(event, Event)]
    assert positions == list(range(1, 101))


async def test_those_with_a_receipt_go_along(relay: Relay, database: PostgresDatabase) -> None:
    """Each by itself: one that was written before takes nothing from the others."""
    profiles = PostgresProfiles(database)
    receipts = [Receipt.of("me", "POST", str(n % 40)) if n % 2 else None for n in range(100)]
    before = relay.trips
    results = await asyncio.gather(
        *(profiles.write([created(person())], atomic=False, receipt=r) for r in receipts),
        return_exceptions=True,
    )
    assert relay.trips - before == 1
    again = [n for n, result in enumerate(results) if isinstance(result, Repeated)]
    assert again == [n for n in range(40, 100) if n % 2]
    events = [result[0] for result in results if not isinstance(result, BaseException)]
    positions = [event.position for event in events if isinstance(event, Event)]
    assert positions == list(range(1, 71))


async def test_a_statement_that_comes_often_is_prepared_once(
    relay: Relay, address: PostgresAddress
) -> None:
    through = replace(address, host="127.0.0.1", port=relay.port)
    async with using(through, pool_max=1) as database:
        profiles, there = PostgresProfiles(database), person()
        await add(profiles, there)
        before = relay.trips
        for _ in range(50):
            await profiles.get([there.id])
        assert relay.trips - before == 51
